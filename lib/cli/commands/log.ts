import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { watchInterruptibly } from '../interrupt.js'
import { exitStatusOf, printLog, statusOfJobs, waitForEnd } from '../jobs.js'
import { withDaemon } from '../session.js'

export function run(args: ArgsOf<'log'>, context: Context): Promise<number> {
  return withDaemon(context, args, async client => {
    const { job, attempt, follow, json } = args
    const stream = args.stdout === args.stderr ? 'all' : args.stdout ? 'stdout' : 'stderr'
    if (!follow) {
      await printLog(context, client, job, { stream, attempt, follow, json })
      return EXIT.done
    }
    const watching = watchInterruptibly(context, client, [job], async unasked => {
      await printLog(context, client, job, { stream, attempt, follow, json, unasked })
      return exitStatusOf(await waitForEnd(context, client, job))
    })
    return await statusOfJobs(watching)
  })
}
