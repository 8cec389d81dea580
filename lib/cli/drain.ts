import type { JobId, Name } from '../../protocol/ids.js'
import { sleep } from '../base/clock.js'
import type { ResilientClient } from '../client/resilient.js'
import type { Context } from './command.js'
import { EXIT } from './failure.js'
import type { Target } from './login.js'
import { printJson, printLine } from './print.js'
import { startWaiting } from './progress.js'
import { withDaemon } from './session.js'

const WAIT_MS = 5_000
/** A job that waits for its next attempt is no more the worker's, and its end is no reason to look again. */
const AGAIN_MS = 500

/** Takes a worker out of service: it gets no new job, and this returns when it has ended those that it has. */
export function drain(context: Context, target: Target, worker: Name, json: boolean): Promise<number> {
  return withDaemon(context, target, async client => {
    const first = await client.call('worker.drain', { worker })
    await waitUntilIdle(context, client, worker, first.jobs)
    if (json) await printJson(context.stdout, { worker, changed: first.changed })
    else
      await printLine(
        context.stdout,
        `worker ${worker} is drained and idle; jankins work --undrain ${worker} undoes it`,
      )
    return EXIT.done
  })
}

export function undrain(context: Context, target: Target, worker: Name, json: boolean): Promise<number> {
  return withDaemon(context, target, async client => {
    const { changed } = await client.call('worker.undrain', { worker })
    if (json) await printJson(context.stdout, { worker, changed })
    else await printLine(context.stdout, `worker ${worker} ${changed ? 'gets jobs again' : 'was not drained'}`)
    return EXIT.done
  })
}

async function waitUntilIdle(
  context: Context,
  client: ResilientClient,
  worker: Name,
  first: readonly JobId[],
): Promise<void> {
  let jobs = first
  const waiting = startWaiting(context, () => `waiting for worker ${worker}, which holds ${jobs.length}`)
  try {
    for (let [job] = jobs; job !== undefined; [job] = jobs) {
      await client.call('job.wait', { job, waitMs: WAIT_MS }, { waitMs: WAIT_MS })
      jobs = (await client.call('worker.drain', { worker })).jobs
      if (jobs[0] === job) await sleep(context.clock, AGAIN_MS)
    }
  } finally {
    waiting.end()
  }
}
