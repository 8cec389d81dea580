import { sleep, systemClock } from '../../lib/base/clock.js'
import { LIMITS } from '../../protocol/limits.js'
import type { Cluster } from './cluster.js'
import type { Random } from './random.js'

export const BLOWS = ['daemon SIGKILL', 'daemon SIGTERM', 'worker SIGKILL', 'cut', 'stall', 'long stall'] as const
export type Blow = (typeof BLOWS)[number]

export interface StormOptions {
  readonly ms: number
  /** Of each kind but the long stalls, which cost a job each. */
  readonly blowsEach: number
  readonly longStalls: number
  /** A long stall is longer than this and its margin by a random part. */
  readonly leaseMs: number
  readonly random: Random
  note(line: string): void
}

/** Deals blows at random times, in random order; resolves with how many of each when the last has passed. */
export async function storm(cluster: Cluster, options: StormOptions): Promise<Record<Blow, number>> {
  const { ms, blowsEach, longStalls, random } = options
  const counts = Object.fromEntries(BLOWS.map(blow => [blow, 0])) as Record<Blow, number>
  const often = BLOWS.filter(blow => blow !== 'long stall')
  const blows: Blow[] = random.shuffled<Blow>(often.flatMap(blow => Array.from({ length: blowsEach }, () => blow)))
  // Early: what they end has to be found out before the test is over.
  for (let index = 0; index < longStalls; index++) blows.splice(index * 7 + 2, 0, 'long stall')
  const under: Promise<void>[] = []
  const failed = new AbortController()
  const startedAtMs = systemClock.monotonicMs()
  for (const [index, blow] of blows.entries()) {
    const atMs = ((index + random.next()) * ms) / blows.length
    await sleep(systemClock, Math.max(0, startedAtMs + atMs - systemClock.monotonicMs()), failed.signal)
    const dealt = deal(cluster, blow, options, failed.signal).then(target => {
      counts[blow]++
      options.note(`${blow} ${target}`)
    })
    dealt.catch(error => failed.abort(error))
    under.push(dealt)
  }
  await Promise.all(under)
  return counts
}

/** Waits its turn where the same is being killed already. @returns what it hit */
async function deal(
  cluster: Cluster,
  blow: Blow,
  { random, leaseMs }: StormOptions,
  failed: AbortSignal,
): Promise<string> {
  const box = random.pick(cluster.workers)
  switch (blow) {
    case 'daemon SIGKILL':
    case 'daemon SIGTERM': {
      const pauseMs = random.between(0, 1_000)
      const signal = blow === 'daemon SIGKILL' ? 'SIGKILL' : 'SIGTERM'
      while (!(await cluster.restartDaemon(signal, pauseMs))) await sleep(systemClock, 100, failed)
      return ''
    }
    case 'worker SIGKILL': {
      const pauseMs = random.between(0, 1_500)
      for (let target = box; ; target = random.pick(cluster.workers)) {
        if (await target.restart('SIGKILL', pauseMs)) return target.name
        await sleep(systemClock, 10, failed)
      }
    }
    case 'cut':
      box.line.cut()
      return box.name
    case 'stall':
    case 'long stall': {
      const stallMs =
        blow === 'stall'
          ? random.between(200, 5_000)
          : (leaseMs + LIMITS.leaseMarginMs.value) * random.between(1.1, 1.3)
      const end = box.outages.begin(blow)
      box.line.stall()
      await sleep(systemClock, stallMs, failed)
      // Either what was held up arrives late, or it never does.
      if (random.next() < 0.5) box.line.cut()
      box.line.flow()
      end()
      return `${box.name} ${Math.round(stallMs)} ms`
    }
  }
}
