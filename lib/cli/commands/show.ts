import { type JobId, type Name, parseJobId, parseName } from '../../../protocol/ids.js'
import type { ResilientClient } from '../../client/resilient.js'
import { type Context, UsageError } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { styleOf } from '../pages.js'
import { printJson } from '../print.js'
import { renderAction, renderActionFacts, renderJob } from '../render.js'
import { renderEvents } from '../render-why.js'
import { daemonNowMs, noteSkew, withDaemon } from '../session.js'
import { renderJobs } from '../tables.js'

/** Jobs of an action that are shown with it. */
const LAST_JOBS = 10

export function run(args: ArgsOf<'show'>, context: Context): Promise<number> {
  const job = !args.action && /^\d{1,16}$/.test(args.what) ? parseJobId(Number(args.what)) : undefined
  const action = parseName(args.what)
  return withDaemon(context, args, async client => {
    if (job !== undefined) await showJob(context, client, job, args)
    else if (action !== undefined) await showAction(context, client, action, args)
    else throw new UsageError('WHAT must be the id of a job or the name of an action')
    await noteSkew(context, client)
    return EXIT.done
  })
}

interface Shown {
  readonly json: boolean
  readonly wide: boolean
}

async function showJob(context: Context, client: ResilientClient, job: JobId, { json, wide }: Shown): Promise<void> {
  const shown = await client.call('job.show', { job })
  if (json) return await printJson(context.stdout, { ...shown.job, events: shown.events })
  const nowMs = daemonNowMs(context, client)
  const style = styleOf(context, { wide })
  await context.stdout.write(`${renderJob(shown.job, nowMs)}\n${renderEvents(shown.events, nowMs, style)}`)
}

async function showAction(
  context: Context,
  client: ResilientClient,
  action: Name,
  { json, wide }: Shown,
): Promise<void> {
  const shown = await client.call('action.show', { action })
  const { action: view, ...facts } = shown
  const { jobs } = await client.call('job.query', { action, limit: LAST_JOBS })
  if (json) return await printJson(context.stdout, { ...view, ...facts, jobs })
  const nowMs = daemonNowMs(context, client)
  const table = jobs.length === 0 ? '' : `\n${renderJobs(jobs, nowMs, styleOf(context, { wide }), true)}`
  await context.stdout.write(`${renderAction(view)}${renderActionFacts(facts, nowMs)}${table}`)
}
