import { readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Clock } from '../../lib/base/clock.js'
import { crc32Digest } from '../../lib/blobs/digest.js'
import { createFilePool, type FilePool } from '../../lib/blobs/file-pool.js'
import { createGrowingFiles } from '../../lib/blobs/growing-file.js'
import { FakeClock } from '../helpers/clock.js'

const LIMITS = { openMax: 3, idleMs: 1_000 }

/** Files below `dir` that this process has open, as the kernel knows them. */
function openBelow(dir: string): number {
  const links = readdirSync('/proc/self/fd').map(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return '' // the descriptor of the listing itself
    }
  })
  return links.filter(link => link.startsWith(dir)).length
}

function setup(t: Test): { dir: string; clock: FakeClock; pool: FilePool } {
  const dir = t.testdir({})
  const clock = new FakeClock()
  const pool = createFilePool(clock, LIMITS)
  t.teardown(() => pool.close())
  return { dir, clock, pool }
}

t.test('only the lately used files stay open, and none that is idle', async t => {
  const { dir, clock, pool } = setup(t)
  for (let i = 0; i < 10; i++) await pool.write(join(dir, `f${i}`), file => file.handle.writeFile('x'))
  await clock.advance(0)
  t.equal(pool.openCount, 3)
  t.equal(openBelow(dir), 3)
  for (let i = 0; i < 10; i++) await pool.read(join(dir, `f${i % 2}`), async file => t.equal(file.bytes, 1))
  await clock.advance(2 * LIMITS.idleMs)
  while (pool.openCount > 0) await new Promise(setImmediate)
  t.equal(openBelow(dir), 0)
})

t.test('more files than may stay open can be in use at once', async t => {
  const { dir, pool } = setup(t)
  let together = 0
  let most = 0
  const all = Array.from({ length: 20 }, (_, i) =>
    pool.write(join(dir, `f${i % 10}`), async file => {
      most = Math.max(most, ++together)
      await file.handle.stat()
      together--
    }),
  )
  await Promise.all(all)
  t.ok(most > LIMITS.openMax)
  await pool.close()
  t.equal(openBelow(dir), 0)
})

t.test('a file that was removed or replaced elsewhere is opened anew', async t => {
  const { dir, pool } = setup(t)
  const path = join(dir, 'f')
  const stamps = new Set<string>()
  for (let i = 0; i < 3; i++) {
    await pool.write(path, async file => {
      stamps.add(file.stamp)
      t.equal(file.bytes, 0)
      await file.handle.writeFile('old')
    })
    if (i < 2) rmSync(path)
  }
  t.equal(stamps.size, 3)
  writeFileSync(join(dir, 'new'), 'longer')
  renameSync(join(dir, 'new'), path)
  t.equal(await pool.read(path, async file => file.bytes), 6)
  rmSync(path)
  t.equal(await pool.read(path, async file => file.bytes), undefined)
})

t.test('closing waits for the work that is under way, and an error in it closes its file too', async t => {
  const { dir, pool } = setup(t)
  const order: string[] = []
  const work = pool.write(join(dir, 'f'), async file => {
    await file.handle.datasync()
    order.push('work')
    throw new Error('broken')
  })
  const failed = t.rejects(work, /broken/)
  await pool.write(join(dir, 'g'), async () => {})
  await pool.close()
  order.push('closed')
  await failed
  t.strictSame(order, ['work', 'closed'])
  t.equal(openBelow(dir), 0)
})

t.test('after a failed sync bytes that may be lost are dropped, and the sender learns of it', async t => {
  const { dir, pool } = setup(t)
  let broken = false
  const breaking: FilePool = {
    ...pool,
    read: (path, work) =>
      pool.read(path, file => {
        const handle = new Proxy(file.handle, {
          get(target, name) {
            if (name === 'datasync' && broken) return () => Promise.reject(new Error('the disk is gone'))
            const value: unknown = Reflect.get(target, name)
            return typeof value === 'function' ? value.bind(target) : value
          },
        })
        return work({ ...file, handle })
      }),
  }
  const files = createGrowingFiles(breaking, crc32Digest)
  const path = join(dir, 'log')
  const chunk = Buffer.alloc(2 ** 20, 'z')
  let length = 0
  for (let durable = 0; durable === 0; ) {
    const answer = await files.append(path, length, chunk)
    length = answer.length
    durable = answer.durableLength
  }
  broken = true
  const append = async (): Promise<never> => {
    for (;;) length = (await files.append(path, length, chunk)).length
  }
  await t.rejects(append(), /the disk is gone/)
  broken = false
  const durable = await files.bytes(path)
  t.ok(durable > 0 && durable < length)
  await t.rejects(files.append(path, length, chunk), { code: 'E_OFFSET', detail: { length: durable } })
  await files.append(path, durable, chunk)
  const { bytes, digest } = await files.seal(path)
  const whole = crc32Digest()
  whole.add(Buffer.alloc(durable + chunk.length, 'z'))
  t.equal(bytes, durable + chunk.length)
  t.equal(digest, whole.value())
})

t.test('a file is read at once, and through the thread pool for a while after its disk was slow', async t => {
  const clock = new FakeClock()
  let readMs = 0
  const pool = createFilePool(
    { ...timed(clock, () => readMs), after: (delayMs, callback) => clock.after(delayMs, callback) },
    LIMITS,
  )
  t.teardown(() => pool.close())
  const path = join(t.testdir({ log: 'a log' }), 'log')
  const read = (): Promise<{ text: string; pooled: number } | undefined> =>
    pool.read(path, async file => {
      const reads = t.capture(file.handle, 'read', file.handle.read)
      const text = (await file.read(2, 100)).toString()
      return { text, pooled: reads().length }
    })
  t.match(await read(), { text: 'log', pooled: 0 })
  readMs = 3
  t.match(await read(), { text: 'log', pooled: 0 }, 'this one is slow')
  readMs = 0
  t.match(await read(), { text: 'log', pooled: 2 }, 'the second finds the end')
  await clock.advance(5_001)
  t.match(await read(), { text: 'log', pooled: 0 })
})

/** The clock as it is read before and after something that takes `tookMs`. */
function timed(clock: FakeClock, tookMs: () => number): Pick<Clock, 'nowMs' | 'monotonicMs'> {
  let looks = 0
  return { nowMs: () => clock.nowMs(), monotonicMs: () => clock.monotonicMs() + tookMs() * looks++ }
}
