import type { JobId } from '../../../protocol/ids.js'
import type { Result } from '../../../protocol/methods.js'
import type { ResilientClient } from '../../client/resilient.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { exitStatusOf, forEachJob, printLog, statusOfJobs, waitForEnd } from '../jobs.js'
import { printJson, printLine } from '../print.js'
import { renderEnd } from '../render.js'
import { withDaemon } from '../session.js'

/** All jobs are stopped before the first one is waited for. */
export function run(args: ArgsOf<'stop'>, context: Context): Promise<number> {
  return withDaemon(context, args, async client => {
    const { done, status } = await forEachJob(context, args.jobs, async job => {
      const stopped = await client.call('job.stop', { job })
      if (args.json) await printJson(context.stdout, { job, ...stopped })
      // With --wait stdout belongs to the logs.
      else if (!args.wait) await printLine(context.stdout, sentence(job, stopped))
    })
    const ended = args.wait ? await statusOfJobs(waitForAll(context, client, done, args.json)) : EXIT.done
    return status || ended
  })
}

async function waitForAll(
  context: Context,
  client: ResilientClient,
  jobs: readonly JobId[],
  json: boolean,
): Promise<number> {
  let status: number = EXIT.done
  for (const job of jobs) {
    const ended = await waitForEnd(context, client, job)
    await printLog(context, client, job, { stream: 'all', follow: false, json })
    if (json) await printJson(context.stdout, ended)
    else await printLine(context.stderr, renderEnd(ended))
    status ||= exitStatusOf(ended)
  }
  return status
}

function sentence(job: JobId, { state, requested }: Result<'job.stop'>): string {
  if (state === 'RUNNING') return `job ${job} is being stopped`
  return requested ? `job ${job} is ${state}` : `job ${job} had ended: ${state}`
}
