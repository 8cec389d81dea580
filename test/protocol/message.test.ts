import { Buffer } from 'node:buffer'
import { isDeepStrictEqual } from 'node:util'
import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import t from 'tap'
import { JankinsError } from '../../protocol/errors.js'
import { HEADER_BYTES } from '../../protocol/frame.js'
import { LIMITS } from '../../protocol/limits.js'
import {
  decodeMessage,
  encodeErrorReply,
  encodeNotice,
  encodeReply,
  encodeReplyAround,
  encodeRequest,
  encodeRequestFrame,
  isRequestOf,
  type Message,
  REPLY_HEAD_BYTES,
} from '../../protocol/message.js'

t.test('each kind of message is the array that MessagePack-RPC says', async t => {
  const cases: [Uint8Array, string, Message][] = [
    [
      encodeRequest(7, 'job.stop', { job: 1 }),
      `9400 07 a8${Buffer.from('job.stop').toString('hex')} 81a36a6f6201`,
      { kind: 'request', id: 7, method: 'job.stop', params: { job: 1 } },
    ],
    [encodeReply(0xffffffff, {}), '9401 ceffffffff c0 80', { kind: 'reply', id: 0xffffffff, result: {} }],
    [encodeNotice('a', { b: null }), '9302 a161 81a162c0', { kind: 'notice', method: 'a', params: { b: null } }],
  ]
  for (const [body, hex, message] of cases) {
    t.equal(Buffer.from(body).toString('hex'), hex.replaceAll(' ', ''))
    t.strictSame(decodeMessage(body), message)
  }
})

t.test('an error travels with its code, its text, its facts and whether to try again', async t => {
  const body = encodeErrorReply(3, new JankinsError('E_OFFSET', { length: 42 }))
  t.strictSame(decodeMessage(body), {
    kind: 'reply',
    id: 3,
    error: {
      code: 'E_OFFSET',
      message: 'the bytes do not begin where the stored ones end; detail.length says where that is',
      detail: { length: 42 },
      retry: false,
    },
  })
  const busy = decodeMessage(encodeErrorReply(3, new JankinsError('E_BUSY')))
  t.match(busy, { error: { code: 'E_BUSY', detail: {}, retry: true } })
})

t.test('an error of another release is read as far as it goes', async t => {
  const read = (error: unknown): Message => decodeMessage(encode([1, 1, error, null]))
  const bare = { code: 'E_LATER', message: '', detail: {}, retry: false }
  t.strictSame(read({ code: 'E_LATER' }), { kind: 'reply', id: 1, error: bare })
  t.strictSame(read({ code: 'E_LATER', detail: 'x', message: 5, retry: 1 }), { kind: 'reply', id: 1, error: bare })
  t.match(read({ code: 'E_LATER', detail: { a: 1, b: 'x', c: [1], d: null } }), { error: { detail: { a: 1, b: 'x' } } })
  for (const error of [1, 'E_BUSY', {}, { code: 5 }, [], new Uint8Array(2)])
    t.throws(() => read(error), { code: 'E_BAD_FRAME', detail: { reason: 'an error without a code' } })
})

t.test('fields that are undefined are left out', async t => {
  t.strictSame(decodeMessage(encodeReply(1, { next: undefined, jobs: [] })), {
    kind: 'reply',
    id: 1,
    result: { jobs: [] },
  })
})

t.test('what is no message is refused', async t => {
  const cases: [unknown, string][] = [
    [5, 'not an array'],
    [{}, 'not an array'],
    [new Uint8Array(4), 'not an array'],
    [[], 'neither request, reply nor notice'],
    [[0, 1, 'a'], 'neither request, reply nor notice'],
    [[0, 1, 'a', {}, {}], 'neither request, reply nor notice'],
    [[1, 1, null], 'neither request, reply nor notice'],
    [[2, 'a', {}, {}], 'neither request, reply nor notice'],
    [[3, 1, 'a', {}], 'neither request, reply nor notice'],
    [['0', 1, 'a', {}], 'neither request, reply nor notice'],
    [[0, -1, 'a', {}], 'an id that is not uint32'],
    [[0, 2 ** 32, 'a', {}], 'an id that is not uint32'],
    [[0, 1.5, 'a', {}], 'an id that is not uint32'],
    [[0, '1', 'a', {}], 'an id that is not uint32'],
    [[1, null, null, {}], 'an id that is not uint32'],
    [[0, 1, 5, {}], 'a method that is not text'],
    [[2, new Uint8Array(1), {}], 'a method that is not text'],
  ]
  for (const [value, reason] of cases)
    t.throws(() => decodeMessage(encode(value)), { code: 'E_BAD_FRAME', detail: { reason } }, JSON.stringify(value))
  t.throws(() => decodeMessage(Buffer.from('dd00ffffff', 'hex')), { code: 'E_BAD_FRAME' }, 'the scan comes first')
})

t.test('params are handed on as they are: their schema judges them', async t => {
  for (const params of [null, 5, [1], 'x']) t.match(decodeMessage(encode([0, 1, 'a', params])), { params })
})

t.test('a reply may hold more values than a request when its reader says so', async t => {
  const body = encodeReply(1, { jobs: Array(LIMITS.nodesMax.value).fill(1) })
  t.throws(() => decodeMessage(body), { code: 'E_BAD_FRAME', detail: { reason: 'too many values' } })
  t.match(decodeMessage(body, LIMITS.replyBytesMax.value), { kind: 'reply' })
})

t.test('binary is a view on the frame, and an encoded message is a buffer of its own', async t => {
  const first = encodeRequest(1, 'a', { data: Uint8Array.of(1, 2, 3) })
  const copy = Buffer.from(first)
  encodeRequest(2, 'b', { data: Uint8Array.of(9, 9, 9) })
  t.ok(copy.equals(first), 'a later message leaves the earlier one alone')
  const message = decodeMessage(first)
  const { data } = (message as { params: { data: Uint8Array } }).params
  t.equal(data.buffer, first.buffer)
})

t.test('the pieces of a frame are the frame, and large data is one of them as it is', async t => {
  for (const bytes of [0, 1, 16_383, 16_384, 70_000]) {
    const data = Buffer.alloc(bytes, 'log')
    for (const params of [{ offset: 7, part: 'stdout', missing: undefined, data }, { data }]) {
      const { pieces, bodyBytes } = encodeRequestFrame(9, 'job.append', params)
      const frame = Buffer.concat(pieces)
      t.ok(decodedAlike(frame.subarray(HEADER_BYTES), Buffer.from(encodeRequest(9, 'job.append', params))))
      t.equal(frame.length, HEADER_BYTES + bodyBytes)
      t.equal(frame.readUInt32BE(0), bodyBytes)
      t.equal(pieces.at(-1) === data, bytes >= 16_384)
    }
  }
  const { pieces } = encodeRequestFrame(9, 'job.query', { data: 'no bytes' })
  t.match(decodeMessage(Buffer.concat(pieces).subarray(HEADER_BYTES)), { params: { data: 'no bytes' } })
})

t.test('any params survive the round trip', async t => {
  const value = fc.oneof(
    fc.integer(),
    fc.string({ unit: 'grapheme' }),
    fc.boolean(),
    fc.uint8Array(),
    fc.array(fc.nat()),
    fc.double({ noNaN: true }).map(n => n + 0),
  )
  const params = fc.dictionary(
    fc.string({ unit: 'grapheme-ascii' }).filter(key => key !== '__proto__'),
    value,
    { noNullPrototype: true },
  )
  const property = fc.property(fc.nat(), params, (id, params) =>
    same(decodeMessage(encodeRequest(id, 'job.queue', params)), id, params),
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500, seed: 5265 }))
})

function same(message: Message, id: number, params: unknown): boolean {
  return message.kind === 'request' && message.id === id && fc.stringify(message.params) === fc.stringify(params)
}

const decodedAlike = (one: Uint8Array, other: Uint8Array): boolean =>
  isDeepStrictEqual(decodeMessage(one), decodeMessage(other))

t.test('a reply is written around large bytes that lie where they are sent from', async t => {
  const memory = Buffer.from(new ArrayBuffer(REPLY_HEAD_BYTES + 40_000), REPLY_HEAD_BYTES)
  const data = memory.subarray(0, 30_000).fill('x')
  const results: object[] = [
    { data, totalBytes: 30_000, sha256: 'f'.repeat(64) },
    { attempt: 1, chunks: [{ stream: 'stdout', data }], next: 30_000, ended: true },
    {
      attempt: 1,
      chunks: [
        { stream: 'stderr', data: Buffer.from('first') },
        { data, stream: 'stdout' },
      ],
      ended: false,
    },
  ]
  for (const result of results) {
    const body = encodeReplyAround(0xffffffff, result, memory)!
    t.ok(body.buffer === memory.buffer && body.byteOffset + body.length === data.byteOffset + data.length)
    const read = decodeMessage(body, LIMITS.replyBytesMax.value)
    t.ok(isDeepStrictEqual(read, decodeMessage(encodeReply(0xffffffff, result), LIMITS.replyBytesMax.value)))
  }
})

t.test('a reply whose large bytes are not there, or have no room before them, is not written so', async t => {
  const memory = Buffer.from(new ArrayBuffer(40_000))
  const data = Buffer.alloc(30_000)
  const others = [{ data }, { data: memory.subarray(0, 30_000) }, { data: memory.subarray(20, 100) }, {}, null, [], 'x']
  for (const result of others) t.equal(encodeReplyAround(1, result, memory), undefined)
})

t.test('a request is known by its first bytes, whatever its id', async t => {
  for (const id of [0, 127, 128, 65_536, 2 ** 32 - 1]) {
    const body = Buffer.from(encodeRequest(id, 'job.append', { job: 1 }))
    t.ok(isRequestOf('job.append', body))
    t.notOk(isRequestOf('job.finish', body))
    t.notOk(isRequestOf('job.append', Buffer.from(encodeRequest(id, 'job.appendix', {}))))
  }
  t.notOk(isRequestOf('job.append', Buffer.alloc(0)))
  t.notOk(isRequestOf('job.append', Buffer.from('job.append')))
})
