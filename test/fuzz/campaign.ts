import type { Test } from 'tap'
import { createRandom } from '../sim/random.js'
import { openConfig, openFrames } from './byte-targets.js'
import { openDaemon } from './daemon-target.js'
import { openEarlySession, openReadySession } from './session-targets.js'
import type { OpenTarget, Target } from './target.js'
import { openZip } from './zip-target.js'

export const TARGETS: Readonly<Record<string, OpenTarget>> = {
  frames: openFrames,
  early: openEarlySession,
  ready: openReadySession,
  daemon: openDaemon,
  config: openConfig,
  zip: openZip,
}
/** Longest stay with one target before it is opened anew. */
const ROUND_MS_MAX = 20_000
/** An input that takes longer has hung; real time, and far beyond what a busy machine needs. */
const HUNG_MS = 60_000
/** What this process may grow by in one round, bytes. */
const GROWTH_BYTES_MAX = 512 * 1024 * 1024

/** Tries inputs until the time is over. Rejects with the first that broke a promise, told so that it can be tried again. */
export async function campaign(t: Test, { seed, seconds }: { seed: number; seconds: number }): Promise<void> {
  const endsAtMs = performance.now() + seconds * 1e3
  const roundMs = Math.min(ROUND_MS_MAX, (seconds * 1e3) / Object.keys(TARGETS).length)
  for (let round = 0; performance.now() < endsAtMs; round++)
    for (const [name, open] of Object.entries(TARGETS))
      await t.test(`${name}, round ${round}`, async t => {
        await oneRound(t, name, open, { seed: seed + round, roundMs })
      })
}

/** One input again, from the hex that a failure printed. */
export async function replay(t: Test, name: string, hex: string): Promise<void> {
  const open = TARGETS[name]
  if (!open) throw new Error(`${name} is none of ${Object.keys(TARGETS).join(', ')}`)
  await tried(await open(t), name, Buffer.from(hex, 'hex'), 0)
}

async function oneRound(
  t: Test,
  name: string,
  open: OpenTarget,
  { seed, roundMs }: { seed: number; roundMs: number },
): Promise<void> {
  const random = createRandom(seed)
  const target = await open(t)
  const startBytes = process.memoryUsage.rss()
  const endsAtMs = performance.now() + roundMs
  let count = 0
  for (; performance.now() < endsAtMs; count++) {
    const input = target.input(random)
    await tried(target, name, input, seed)
    const grewBytes = process.memoryUsage.rss() - startBytes
    if (grewBytes > GROWTH_BYTES_MAX) throw failure(name, input, seed, new Error(`memory grew by ${grewBytes} bytes`))
  }
  t.comment(`${name}: ${count} inputs of seed ${seed}${target.said ? `, ${target.said()}` : ''}`)
  t.ok(count > 0)
}

async function tried(target: Target, name: string, input: Buffer, seed: number): Promise<void> {
  const { promise, timer } = hang()
  try {
    await Promise.race([target.run(input), promise])
    // What the input has put off may still throw.
    await new Promise(resolve => setImmediate(resolve))
    if (escaped) throw escaped.error
  } catch (error) {
    throw failure(name, input, seed, error)
  } finally {
    clearTimeout(timer)
    escaped = undefined
  }
}

function hang(): { readonly promise: Promise<never>; readonly timer: NodeJS.Timeout } {
  let fail: (error: Error) => void = () => {}
  const promise = new Promise<never>((_, reject) => {
    fail = reject
  })
  promise.catch(() => {})
  return { promise, timer: setTimeout(() => fail(new Error('no answer and no end')), HUNG_MS) }
}

/** What no part of the daemon caught while an input was tried. */
let escaped: { readonly error: unknown } | undefined

/** @returns how to end the watch */
export function watchEscapes(): () => void {
  const listener = (error: unknown): void => {
    escaped ??= { error }
  }
  process.prependListener('uncaughtException', listener)
  process.prependListener('unhandledRejection', listener)
  return () => {
    process.off('uncaughtException', listener)
    process.off('unhandledRejection', listener)
  }
}

function failure(name: string, input: Buffer, seed: number, cause: unknown): Error {
  const again = `npm run fuzz -- --target ${name} --input ${input.toString('hex')}`
  return new Error(`seed ${seed}, target ${name}: ${cause}\ntry it again: ${again}`, { cause })
}
