import { crc32 } from 'node:zlib'
import t from 'tap'
import { unsigned } from '../../lib/client/archive/yazl-crc32.js'

t.test('the checksum goes on over pieces, also over empty ones', async t => {
  const data = Buffer.from('what yazl asks of buffer-crc32')
  t.equal(unsigned(data), crc32(data))
  const pieces = [data.subarray(0, 10), Buffer.alloc(0), data.subarray(10)]
  t.equal(
    pieces.reduce((sum, piece) => unsigned(piece, sum), 0),
    crc32(data),
  )
  t.equal(unsigned(Buffer.alloc(0)), 0)
})
