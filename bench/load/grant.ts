import { setTimeout as sleep } from 'node:timers/promises'
import { acknowledgeFrame, attachFrame, ClaimFrame, finishFrame } from './finish.js'
import { frameBytes, grantIn, RequestFrame } from './frames.js'
import { Line } from './line.js'
import { type Account, LoginSteps } from './login.js'
import { QueueConversation } from './queue.js'

/** Longer than a server has anything to do with the job before. */
export const PAUSE_MS = 3

/**
 * A person and a worker that waits. Each call queues a job, runs it, and returns the time from the request that queued it
 * to the grant, ms.
 */
export async function openGrants(daemon: { readonly port: number; readonly account: Account }) {
  const [person, worker] = [await openLine(daemon), await openLine(daemon)]
  await worker.ask(attachFrame('waiting').fresh())
  const [claim, acknowledge, finish] = [new ClaimFrame(), acknowledgeFrame(), finishFrame()]
  const beat = new RequestFrame('worker.beat', { leases: [], free: 1, load: 0.5 })
  const queue = new QueueConversation()
  return async (pauseMs = PAUSE_MS): Promise<number> => {
    beat.check(await worker.ask(beat.fresh()))
    worker.send(claim.fresh())
    await sleep(pauseMs)
    const sentAtMs = performance.now()
    person.send(queue.begin())
    const granted = await worker.reply()
    const tookMs = performance.now() - sentAtMs
    claim.check(granted)
    queue.next(await person.reply())
    const grant = grantIn(granted)
    acknowledge.name(grant)
    finish.name(grant)
    acknowledge.check(await worker.ask(acknowledge.fresh()))
    finish.check(await worker.ask(finish.fresh()))
    return tookMs
  }
}

/** A connection that has logged in. */
export async function openLine({ port, account }: { readonly port: number; readonly account: Account }): Promise<Line> {
  const line = await Line.open(port, frameBytes)
  const steps = new LoginSteps(account)
  steps.check(await line.ask(steps.finish(await line.ask(steps.start()))))
  return line
}
