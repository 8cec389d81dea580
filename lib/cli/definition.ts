import { readFile } from 'node:fs/promises'
import { LIMITS } from '../../protocol/limits.js'
import type { Definition } from '../../protocol/views.js'
import { type Args, type ArgsOf as ArgsOfSpec, UsageError } from './command.js'
import type { definition } from './options.js'

type Options = ArgsOfSpec<{ readonly options: typeof definition }>

/** What the options of a definition are called on the wire. */
export const WIRE_FIELDS = {
  env: 'environment',
  dir: 'dir',
  labels: 'labels',
  timeout: 'timeLimitMs',
  lease: 'leaseMs',
  grace: 'graceMs',
  priority: 'priority',
  retries: 'retries',
  artifact: 'artifacts',
  stderr: 'stderr',
  'log-limit': 'logLimitBytes',
  'on-log-limit': 'onLogLimit',
  'max-running': 'runningMax',
  allow: 'allow',
} as const satisfies Readonly<Record<string, keyof Definition>>

/** What add-action and exec say about a job, in the words of the wire. @throws UsageError */
export async function definitionOf(args: Options): Promise<Definition> {
  if ((args.script === undefined) === (args.rest.length === 0))
    throw new UsageError('say what to run: either -- CMD [ARG...] or --script FILE')
  const what = args.script === undefined ? { command: args.rest } : { script: await readScript(args.script) }
  return { ...what, ...fieldsOf(args) }
}

/** Options by their names, in the words of the wire; what was not given is left out. */
export function fieldsOf(values: Args): Definition {
  const isGiven = (value: unknown): boolean => value !== undefined && !(Array.isArray(value) && value.length === 0)
  const fields = Object.entries(WIRE_FIELDS).map(([option, field]) => [field, values[option]] as const)
  return Object.fromEntries(fields.filter(([, value]) => isGiven(value))) as Definition
}

async function readScript(path: string): Promise<string> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (cause) {
    throw new UsageError(`cannot read the script ${path}: ${(cause as Error).message}`, { cause })
  }
  if (bytes.length > LIMITS.commandBytesMax.value)
    throw new UsageError(`the script ${path} is larger than ${LIMITS.commandBytesMax.value} bytes`)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new UsageError(`the script ${path} is not UTF-8 text`, { cause })
  }
}
