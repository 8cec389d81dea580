import { setTimeout as sleep } from 'node:timers/promises'
import { HEARTBEAT_MS } from '../../protocol/limits.js'
import { attachFrame } from './finish.js'
import { frameBytes, RequestFrame } from './frames.js'
import { Line } from './line.js'
import { LoginSteps } from './login.js'
import { countsFor, type Load, measureLoad } from './loop.js'
import type { LoadOrder } from './order.js'

/** Connections that are being made at once. */
const CONNECTING = 16

/** Attached workers that beat every HEARTBEAT_MS, each at a moment of its own. Times are those of single beats. */
export async function beatFor(order: LoadOrder): Promise<() => Promise<Load>> {
  const lines: Line[] = []
  const connectOne = async (first: number): Promise<void> => {
    for (let index = first; index < order.connections; index += CONNECTING) lines.push(await attached(order, index))
  }
  await Promise.all(Array.from({ length: CONNECTING }, (_, first) => connectOne(first)))
  return async () => {
    const counts = countsFor(order)
    const beating = async (line: Line, index: number): Promise<void> => {
      const beat = new RequestFrame('worker.beat', { leases: [], free: 1, load: 0.5 })
      await sleep((index * HEARTBEAT_MS) / lines.length)
      while (performance.now() < counts.endsAtMs) {
        const sentAtMs = performance.now()
        beat.check(await line.ask(beat.fresh()))
        counts.operations++
        const tookMs = performance.now() - sentAtMs
        counts.times.record(Math.max(1, Math.round(tookMs * 1e6)))
        await sleep(Math.max(0, HEARTBEAT_MS - tookMs))
      }
    }
    return await measureLoad(counts, () => Promise.all(lines.map(beating)))
  }
}

async function attached(order: LoadOrder, index: number): Promise<Line> {
  if (!order.account) throw new Error('workers need an account')
  const line = await Line.open(order.port, frameBytes)
  const steps = new LoginSteps(order.account)
  steps.check(await line.ask(steps.finish(await line.ask(steps.start()))))
  const attach = attachFrame(`beating-${order.process}-${index}`)
  attach.check(await line.ask(attach.fresh()))
  return line
}
