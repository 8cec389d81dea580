import { type Name, parseName } from '../../../protocol/ids.js'
import type { ResilientClient } from '../../client/resilient.js'
import { writeAction } from '../actions-file/write.js'
import { type Context, UsageError } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { given } from '../given.js'
import { withDaemon } from '../session.js'

export async function run(args: ArgsOf<'export'>, context: Context): Promise<number> {
  const names = args.names.map(nameOf)
  return withDaemon(context, args, async client => {
    let count = 0
    for await (const action of names.length > 0 ? named(client, names) : all(client))
      await context.stdout.write(count++ === 0 ? `actions:\n${writeAction(action)}` : writeAction(action))
    if (count === 0) await context.stdout.write('actions: {}\n')
    return EXIT.done
  })
}

function nameOf(text: string): Name {
  const name = parseName(text)
  if (!name) throw new UsageError(`${JSON.stringify(text)} is no name of an action`)
  return name
}

async function* named(client: ResilientClient, names: readonly Name[]) {
  for (const action of names) yield* (await client.call('action.list', { action })).actions
}

async function* all(client: ResilientClient) {
  for (let after: Name | undefined; ; ) {
    const { actions, next } = await client.call('action.list', given({ after }))
    yield* actions
    if (next === undefined) return
    after = next
  }
}
