import { Buffer } from 'node:buffer'
import t from 'tap'
import { locate, planEnd } from '../../lib/worker/log-limit.js'
import { createRandom } from './random.js'
import { compareShipped } from './shipped.js'

/** What a worker ships of a stream of these bytes, by its own plan. */
function shippedOf(written: Buffer, limitBytes: number, onLimit: 'cut' | 'stop', shippedBytes: number): Buffer {
  const both = (stdout: number): { stdout: number; stderr: number } => ({ stdout, stderr: 0 })
  const plan = planEnd(limitBytes, onLimit, both(shippedBytes), both(written.length)).stdout
  const pieces: Buffer[] = []
  for (let offset = 0; offset < plan.bytes; offset += pieces.at(-1)?.length ?? 0) {
    const place = locate(plan, offset, plan.bytes)
    pieces.push(place.kind === 'mark' ? place.data : written.subarray(place.offset, place.offset + place.bytes))
  }
  return Buffer.concat(pieces)
}

t.test('what a worker ships is known as a part of what was written, and any other byte as wrong', async t => {
  const random = createRandom(1)
  for (let round = 0; round < 200; round++) {
    const written = Buffer.from(Array.from({ length: random.int(0, 600) }, () => random.pick([10, 97, 98, 99])))
    const limitBytes = random.int(1, 700)
    const onLimit = random.pick(['cut', 'stop'] as const)
    const shippedBytes = random.int(0, Math.min(written.length, Math.floor(limitBytes / 2)))
    const stored = shippedOf(written, limitBytes, onLimit, shippedBytes)
    const said = (part: Buffer): string => compareShipped(part, written)
    if (said(stored) !== 'whole') t.fail(`${stored} of ${written}`)
    for (let bytes = 0; bytes < stored.length; bytes++)
      if (said(stored.subarray(0, bytes)) === 'wrong') t.fail(`the first ${bytes} of ${stored} of ${written}`)
    if (stored.length === 0) continue
    const damaged = Buffer.from(stored)
    damaged[random.int(0, stored.length - 1)] = 0
    if (said(damaged) !== 'wrong') t.fail(`${damaged} of ${written}`)
  }
  t.pass('all rounds have run')
})
