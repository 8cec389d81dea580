import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { hashOf, open } from './samples.js'

const CONTENT = randomBytes(1_000_000)
const SHA = hashOf(CONTENT)
const leftParts = (dir: string): string[] =>
  readdirSync(join(dir, 'bundles/parts')).filter(name => !name.startsWith('.'))

t.test('a bundle is sent in chunks and appears once it is whole', async t => {
  const dir = t.testdir()
  const blobs = open(t, dir)
  t.same(await blobs.writeBundle(SHA, CONTENT.length, 0, Buffer.alloc(0)), { length: 0, complete: false })
  const half = CONTENT.length / 2
  t.same(await blobs.writeBundle(SHA, CONTENT.length, 0, CONTENT.subarray(0, half)), { length: half, complete: false })
  t.equal(await blobs.bundleBytes(SHA), undefined)
  t.same(await blobs.writeBundle(SHA, CONTENT.length, 0, Buffer.alloc(0)), { length: half, complete: false })
  await t.rejects(blobs.writeBundle(SHA, CONTENT.length, half + 1, CONTENT.subarray(half + 1)), {
    code: 'E_OFFSET',
    detail: { length: half },
  })
  t.same(await blobs.writeBundle(SHA, CONTENT.length, half, CONTENT.subarray(half)), {
    length: CONTENT.length,
    complete: true,
  })
  t.equal(await blobs.bundleBytes(SHA), CONTENT.length)
  t.strictSame(Buffer.from(await blobs.readBundle(SHA, 10, 20)), CONTENT.subarray(10, 30))
  t.same(await blobs.writeBundle(SHA, CONTENT.length, 0, CONTENT), { length: CONTENT.length, complete: true })
  t.strictSame(leftParts(dir), [])
  t.equal(statSync(join(dir, `bundles/${SHA.slice(0, 2)}/${SHA}.zip`)).mode & 0o777, 0o600)
})

t.test('bytes that do not have the checksum are dropped', async t => {
  const dir = t.testdir()
  const blobs = open(t, dir)
  const wrong = Buffer.from(CONTENT).fill(0, 5, 20)
  await t.rejects(blobs.writeBundle(SHA, CONTENT.length, 0, wrong), { code: 'E_CHECKSUM' })
  t.equal(await blobs.bundleBytes(SHA), undefined)
  t.strictSame(leftParts(dir), [])
  t.equal((await blobs.writeBundle(SHA, CONTENT.length, 0, CONTENT)).complete, true)
})

t.test('more bytes than were announced are refused', async t => {
  const blobs = open(t, t.testdir())
  await t.rejects(blobs.writeBundle(SHA, 10, 0, CONTENT), { code: 'E_BAD_REQUEST' })
})

t.test('a bundle whose last byte was stored before a crash is completed by the next request', async t => {
  const dir = t.testdir({ bundles: { parts: { [`${SHA}-${CONTENT.length}.part`]: CONTENT } } })
  const blobs = open(t, dir)
  t.same(await blobs.writeBundle(SHA, CONTENT.length, 0, Buffer.alloc(0)), { length: CONTENT.length, complete: true })
  t.equal(await blobs.bundleBytes(SHA), CONTENT.length)
})

t.test('clients of several threads that send the same content at once do not harm each other', async t => {
  const dir = t.testdir()
  const send = async (chunkBytes: number): Promise<void> => {
    const blobs = open(t, dir)
    for (let offset = 0; ; ) {
      const data = CONTENT.subarray(offset, offset + chunkBytes)
      try {
        const { length, complete } = await blobs.writeBundle(SHA, CONTENT.length, offset, data)
        if (complete) return
        offset = length
      } catch (error) {
        assert(error instanceof Error && 'code' in error && error.code === 'E_OFFSET', String(error))
        offset = 0
      }
    }
  }
  await Promise.all([40_000, 33_333, 10_001, 500_000, 77_777].map(send))
  t.strictSame(readFileSync(join(dir, `bundles/${SHA.slice(0, 2)}/${SHA}.zip`)), CONTENT)
  t.strictSame(
    leftParts(dir).filter(name => name.endsWith('.copy')),
    [],
  )
})

t.test('a client that sends other bytes than it announced spoils nothing that others see', async t => {
  const dir = t.testdir()
  const [honest, liar] = [open(t, dir), open(t, dir)]
  await liar.writeBundle(SHA, CONTENT.length, 0, Buffer.alloc(1_000))
  await t.rejects(honest.writeBundle(SHA, CONTENT.length, 1_000, CONTENT.subarray(1_000)), { code: 'E_CHECKSUM' })
  t.equal((await honest.writeBundle(SHA, CONTENT.length, 0, CONTENT)).complete, true)
  t.equal((await liar.writeBundle(SHA, CONTENT.length, 0, Buffer.alloc(1_000))).complete, true)
  t.strictSame(Buffer.from(await liar.readBundle(SHA, 0, CONTENT.length)), CONTENT)
})
