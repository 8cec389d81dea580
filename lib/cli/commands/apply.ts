import { readFile } from 'node:fs/promises'
import { JankinsError } from '../../../protocol/errors.js'
import type { Name } from '../../../protocol/ids.js'
import type { Definition } from '../../../protocol/views.js'
import type { ResilientClient } from '../../client/resilient.js'
import { type FileAction, readActionsFile } from '../actions-file/read.js'
import { type Context, UsageError } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { WIRE_FIELDS } from '../definition.js'
import { EXIT } from '../failure.js'
import { given } from '../given.js'
import { printJson, printLine } from '../print.js'
import { withDaemon } from '../session.js'

/** What is to be done to one action. */
interface Step {
  readonly action: Name
  readonly change: 'create' | 'change' | 'enable' | 'disable' | 'none'
  /** Of a change: the keys of the file whose values differ. */
  readonly keys: readonly string[]
  readonly isActive: boolean
  readonly take: readonly ((client: ResilientClient) => Promise<unknown>)[]
}

/** Everything is read and compared before anything is changed. */
export async function run(args: ArgsOf<'apply'>, context: Context): Promise<number> {
  const wanted = (await Promise.all(args.files.map(file => readFileActions(context, file)))).flat()
  const again = wanted.find(({ action }, index) => wanted.findIndex(other => other.action === action) < index)
  if (again) throw new UsageError(`${again.place}: ${again.action} was defined before; keep one of them`)
  return withDaemon(context, args, async client => {
    const steps: Step[] = []
    for (const action of wanted) steps.push(await compare(client, action))
    if (args.prune) steps.push(...(await prune(client, new Set(wanted.map(({ action }) => action)))))
    for (const step of steps) {
      if (!args['dry-run']) for (const take of step.take) await take(client)
      const { action, change, keys } = step
      if (args.json) await printJson(context.stdout, { action, change, keys, dryRun: args['dry-run'] })
      else await printLine(context.stdout, sentence(step, args['dry-run']))
    }
    return EXIT.done
  })
}

async function readFileActions({ stdin }: Context, file: string): Promise<readonly FileAction[]> {
  let text: string
  try {
    text = file === '-' ? (await stdin.read()).toString() : await readFile(file, 'utf8')
  } catch (cause) {
    throw new UsageError(`cannot read ${file}: ${(cause as Error).message}`, { cause })
  }
  return readActionsFile(text, file === '-' ? 'stdin' : file)
}

async function compare(client: ResilientClient, file: FileAction): Promise<Step> {
  const { action, definition, active } = file
  const { exists, differs, ...stored } = await client.call('action.compare', { action, ...definition }).catch(at(file))
  const isActive = active ?? stored.active ?? true
  const isSwitched = isActive !== (stored.active ?? true)
  const change = !exists ? 'create' : differs.length > 0 ? 'change' : isSwitched ? verb(isActive) : 'none'
  const add = (client: ResilientClient) => client.call('action.add', { action, ...definition, replace: true })
  const isRedefined = change === 'create' || change === 'change'
  const take = [...(isRedefined ? [add] : []), ...(isSwitched ? [setActive(action, isActive)] : [])]
  const keys = [...(change === 'change' ? differs.map(keyOf) : []), ...(isSwitched ? ['active'] : [])]
  return { action, change, keys, isActive, take }
}

/** What the daemon finds wrong stands in a file: where, the daemon cannot know. */
const at =
  ({ place }: FileAction) =>
  (error: unknown): never => {
    if (!(error instanceof JankinsError) || error.code !== 'E_BAD_REQUEST') throw error
    throw new UsageError(`${place}: ${keyOf(String(error.detail.field))} must be ${error.detail.expected}`)
  }

async function prune(client: ResilientClient, kept: ReadonlySet<Name>): Promise<Step[]> {
  const steps: Step[] = []
  for (let after: Name | undefined, more = true; more; ) {
    const { actions, next } = await client.call('action.list', given({ after }))
    for (const { action, active } of actions)
      if (active && !kept.has(action))
        steps.push({ action, change: 'disable', keys: [], isActive: false, take: [setActive(action, false)] })
    after = next
    more = next !== undefined
  }
  return steps
}

const verb = (isActive: boolean) => (isActive ? 'enable' : 'disable')

const setActive = (action: Name, isActive: boolean) => (client: ResilientClient) =>
  client.call(isActive ? 'action.enable' : 'action.disable', { action })

const KEYS = new Map<string, string>(Object.entries(WIRE_FIELDS).map(([key, field]) => [field, key]))
const keyOf = (field: keyof Definition | string): string => KEYS.get(field) ?? field

function sentence({ action, change, keys, isActive }: Step, isDry: boolean): string {
  const done = isDry ? 'would be' : 'is'
  const sentences = {
    create: `action ${action} ${done} created`,
    change: `action ${action} ${done} changed: ${keys.join(', ')}`,
    enable: `action ${action} ${done} enabled`,
    disable: `action ${action} ${done} disabled`,
    none: `action ${action} is as the file says${isActive ? '' : ', and disabled'}`,
  }
  return sentences[change]
}
