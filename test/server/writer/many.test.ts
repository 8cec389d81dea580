import fc from 'fast-check'
import t from 'tap'
import type { HeldLease } from '../../../lib/server/writer/writer.js'
import type { Grant } from '../../../protocol/views.js'
import { settle } from '../../helpers/clock.js'
import { claimId, startWorld } from './world.js'

const JOBS = 50
const WORKERS = [1, 2, 3, 4]

t.test('50 jobs over 4 workers are each run once, whatever comes when', async t => {
  const moves = fc.array(
    fc.record({
      worker: fc.constantFrom(...WORKERS),
      does: fc.constantFrom('claim', 'acknowledge', 'finish', 'decline', 'reconnect', 'repeat', 'queue', 'wait'),
      settles: fc.boolean(),
    }),
    { maxLength: 120 },
  )
  await fc.assert(
    fc.asyncProperty(moves, async list => {
      const world = await playedWorld(t)
      for (const { worker, does, settles } of list) {
        await world.play(worker, does)
        if (settles) await settle(1)
      }
      await world.finishAll()
      const { runs, pending } = world
      if (runs.size !== JOBS || pending() !== 0) throw new Error(`${runs.size} jobs ran, ${pending()} offers are left`)
      for (const [job, count] of runs) if (count !== 1) throw new Error(`job ${job} ran ${count} times`)
    }),
    { numRuns: 6 },
  )
})

/** Four workers that lose nothing: what they were granted they take, give back, or let lapse. */
async function playedWorld(test: Parameters<typeof startWorld>[0]) {
  const w = await startWorld(test)
  await w.addAction('a')
  const runs = new Map<number, number>()
  const granted = new Map<number, Grant[]>(WORKERS.map(worker => [worker, []]))
  const running: { grant: Grant; held: HeldLease }[] = []
  const lastClaim = new Map<number, number>()
  const connection = new Map<number, number>()
  let queued = 0
  let fresh = 0

  const queue = async (count: number): Promise<void> => {
    const now = Math.min(count, JOBS - queued)
    queued += now
    if (now > 0) await w.queue('a', { count: now })
  }
  const connect = async (worker: number): Promise<void> => {
    const before = connection.get(worker)
    const now = ++fresh
    connection.set(worker, now)
    await w.attach(now, `w${worker}`, { instance: worker })
    if (before !== undefined) await w.writer.connectionClosed(before)
  }
  const claim = async (worker: number, id: number): Promise<void> => {
    const grant = await w.writer.claim(connection.get(worker) as number, claimId(id), 60_000)
    const own = granted.get(worker) as Grant[]
    if (grant && !own.some(({ lease }) => lease === grant.lease)) own.push(grant)
  }
  const acknowledge = async (worker: number): Promise<void> => {
    const grant = granted.get(worker)?.shift()
    if (!grant) return
    try {
      const held = await w.writer.acknowledge(connection.get(worker) as number, grant.job, grant.lease)
      if (running.some(other => other.grant.lease === grant.lease)) return
      runs.set(grant.job, (runs.get(grant.job) ?? 0) + 1)
      running.push({ grant, held })
    } catch (error) {
      if ((error as { code?: string }).code !== 'E_LEASE_LOST') throw error
    }
  }
  for (const worker of WORKERS) await connect(worker)

  async function play(worker: number, does: string): Promise<void> {
    if (does === 'queue') await queue(7)
    if (does === 'wait')
      await w.beatFor(
        2_000,
        running.map(({ held }) => held.slot),
      )
    if (does === 'reconnect') await connect(worker)
    if (does === 'acknowledge') await acknowledge(worker)
    if (does === 'finish') for (const { grant } of running.splice(0, 1)) await w.finish(grant)
    const id = does === 'repeat' ? (lastClaim.get(worker) ?? ++fresh) : ++fresh
    if (does === 'claim' || does === 'repeat') {
      lastClaim.set(worker, id)
      void claim(worker, id)
    }
    if (does !== 'decline') return
    const grant = granted.get(worker)?.pop()
    if (!grant) return
    const declined = w.writer.decline(connection.get(worker) as number, grant.job, grant.lease)
    await declined.catch(() => undefined)
  }

  async function finishAll(): Promise<void> {
    await queue(JOBS)
    for (let round = 0; round < 4 * JOBS && runs.size < JOBS; round++) {
      const worker = WORKERS[round % WORKERS.length] as number
      await play(worker, 'claim')
      await settle(1)
      for (const each of WORKERS) await acknowledge(each)
      await play(worker, round % 10 === 9 ? 'wait' : 'finish')
    }
    for (const { grant } of running.splice(0)) await w.finish(grant)
    const counters = await w.writer.counters()
    if (counters.pending + counters.running > 0) throw new Error(`left: ${JSON.stringify(counters)}`)
  }
  return { runs, play, finishAll, pending: () => [...granted.values()].flat().length }
}
