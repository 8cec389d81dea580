import { existsSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Blobs } from '../../lib/blobs/blobs.js'
import { FakeClock } from '../helpers/clock.js'
import { hashOf, keyOf, open } from './samples.js'

const HOUR_MS = 3_600_000
const WEEK_MS = 168 * HOUR_MS

const BYTES = Buffer.from('a part of something')

for (const [folder, write] of [
  ['artifacts', (blobs: Blobs, n: number) => blobs.append(keyOf(n), 'artifacts', 0, BYTES)],
  ['bundles', (blobs: Blobs, n: number) => blobs.writeBundle(hashOf(BYTES), 1_000 + n, 0, BYTES)],
] as const)
  t.test(`a thread that runs on looks for abandoned ${folder} every hour`, async t => {
    const parts = join(t.testdir(), folder, 'parts')
    const clock = new FakeClock()
    const blobs = open(t, t.testdirName, clock)
    await write(blobs, 1)
    const left = join(parts, 'left.part')
    const mark = join(parts, '.swept')
    /** As if it was made so long ago, by the time of the file system. */
    const age = (path: string, ms: number): void => {
      const atMs = statSync(path).mtimeMs - ms
      utimesSync(path, atMs / 1e3, atMs / 1e3)
    }
    writeFileSync(left, 'somebody went away')
    age(left, 2 * WEEK_MS)
    age(mark, 2 * HOUR_MS)
    await clock.advance(HOUR_MS - 1)
    await write(blobs, 2)
    t.ok(existsSync(left), 'the hour is not over')
    await clock.advance(1)
    await write(blobs, 3)
    t.notOk(existsSync(left))

    writeFileSync(left, 'and again')
    age(left, 2 * WEEK_MS)
    await clock.advance(HOUR_MS)
    await write(blobs, 4)
    t.ok(existsSync(left), 'another thread has just looked')
  })
