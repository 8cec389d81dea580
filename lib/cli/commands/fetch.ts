import type { JobId } from '../../../protocol/ids.js'
import { formatBytes } from '../../base/units.js'
import { type ListedEntry, listArtifacts, unpackArtifacts } from '../../client/archive/unpack.js'
import { openArtifacts } from '../../client/artifact-pages.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { STATUS_LEFT, unlessInterrupted } from '../interrupt.js'
import { printJson, printLine } from '../print.js'
import { startProgress } from '../progress.js'
import { withDaemon } from '../session.js'
import { printable } from '../text.js'

export function run(args: ArgsOf<'fetch'>, context: Context): Promise<number> {
  return withDaemon(context, args, async client => {
    const progress = startProgress(context, 'fetching')
    // Before anything is written: a job without artifacts leaves no directory behind.
    const artifacts = await openArtifacts(client, args.job, progress.update)
    if (args.list) {
      const entries = await listArtifacts(artifacts).finally(progress.end)
      await printEntries(context, entries, args.json)
      return EXIT.done
    }
    const dir = args.output ?? `artifacts-${args.job}`
    // Without the connection it fails, and takes away what it has written.
    const unpacking = unpackArtifacts(artifacts, dir).finally(progress.end)
    const unpacked = await unlessInterrupted(context, unpacking, () => client.close())
    if (!unpacked) return STATUS_LEFT
    await printUnpacked(context, { job: args.job, dir, ...unpacked }, args.json)
    return EXIT.done
  })
}

async function printEntries({ stdout }: Context, entries: readonly ListedEntry[], json: boolean): Promise<void> {
  for (const entry of entries)
    if (json) await printJson(stdout, entry)
    else await printLine(stdout, `${formatBytes(entry.bytes).padStart(9)}  ${printable(nameOf(entry))}`)
}

interface Unpacked {
  readonly job: JobId
  readonly dir: string
  readonly files: number
  readonly bytes: number
}

async function printUnpacked({ stdout }: Context, unpacked: Unpacked, json: boolean): Promise<void> {
  const { dir, files, bytes } = unpacked
  if (json) await printJson(stdout, unpacked)
  else
    await printLine(stdout, `${files} ${files === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}, in ${printable(dir)}`)
}

const nameOf = ({ path, target }: ListedEntry): string => (target === undefined ? path : `${path} -> ${target}`)
