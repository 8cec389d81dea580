import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { printJson } from '../print.js'
import { renderWhy } from '../render-why.js'
import { daemonNowMs, noteSkew, withDaemon } from '../session.js'

export function run({ job, json, ...target }: ArgsOf<'why'>, context: Context): Promise<number> {
  return withDaemon(context, target, async client => {
    const why = client.call('job.why', { job })
    const [{ reasons }, shown] = await Promise.all([why, client.call('job.show', { job })])
    const { events, job: view } = shown
    if (json) await printJson(context.stdout, { job, state: view.state, reasons, events })
    else await context.stdout.write(renderWhy(view, events, reasons, daemonNowMs(context, client)))
    await noteSkew(context, client)
    return EXIT.done
  })
}
