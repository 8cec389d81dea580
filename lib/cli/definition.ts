import { readFile } from 'node:fs/promises'
import { LIMITS } from '../../protocol/limits.js'
import type { Definition } from '../../protocol/views.js'
import { type ArgsOf as ArgsOfSpec, UsageError } from './command.js'
import { given } from './given.js'
import type { definition } from './options.js'

type Options = ArgsOfSpec<{ readonly options: typeof definition }>

/** What add-action and exec say about a job, in the words of the wire. @throws UsageError */
export async function definitionOf(args: Options): Promise<Definition> {
  if ((args.script === undefined) === (args.rest.length === 0))
    throw new UsageError('say what to run: either -- CMD [ARG...] or --script FILE')
  return given({
    command: args.rest.length > 0 ? args.rest : undefined,
    script: args.script === undefined ? undefined : await readScript(args.script),
    environment: someOf(args.env),
    dir: args.dir,
    timeLimitMs: args.timeout,
    leaseMs: args.lease,
    graceMs: args.grace,
    labels: args.labels,
    priority: args.priority,
    artifacts: someOf(args.artifact),
    retries: args.retries,
    stderr: args.stderr,
    logLimitBytes: args['log-limit'],
    onLogLimit: args['on-log-limit'],
  })
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

export const someOf = <T>(list: readonly T[]): readonly T[] | undefined => (list.length > 0 ? list : undefined)
