import { Buffer } from 'node:buffer'
import t from 'tap'
import { createStreamReader } from '../../lib/worker/machine/stream-reader.js'

/** A file that its test may write to, and cut. */
function fakeFile() {
  const file = { text: '' }
  const reader = createStreamReader(
    async () => file.text.length,
    async (offset, bytesMax) => Buffer.from(file.text.slice(offset, offset + bytesMax)),
  )
  const rest = async (from: number): Promise<string> => String(await reader.read(from, (await reader.bytes()) - from))
  return { file, reader, rest }
}

t.test('what follows a cut follows what was read before it', async t => {
  const { file, reader, rest } = fakeFile()
  file.text = 'one\ntwo\n'
  t.equal(await rest(0), 'one\ntwo\n')
  file.text = 'x\n'
  t.equal(await reader.bytes(), 10)
  t.equal(await rest(8), 'x\n')
  file.text = 'x\nmore\n'
  t.equal(await rest(10), 'more\n')
})

t.test('a cut is seen where the file has grown beyond its old length again', async t => {
  const { file, rest } = fakeFile()
  file.text = 'one\n'
  t.equal(await rest(0), 'one\n')
  file.text = 'longer than before\n'
  t.equal(await rest(4), 'longer than before\n')
})

t.test('bytes that are gone are given as line feeds when they are read again', async t => {
  const { file, reader, rest } = fakeFile()
  file.text = 'one\n'
  await rest(0)
  file.text = 'x'
  t.equal(await reader.bytes(), 5)
  t.equal(String(await reader.read(1, 100)), '\n\n\n')
  t.equal(String(await reader.read(4, 100)), 'x')
})
