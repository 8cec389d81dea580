import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JobId } from '../../../protocol/ids.js'
import { makeDirectory } from '../../base/make-directory.js'
import { formatBytes } from '../../base/units.js'
import { type ListedEntry, listZipFile, unpackZipFile } from '../../client/archive/unpack.js'
import { downloadArtifacts } from '../../client/download.js'
import type { ResilientClient } from '../../client/resilient.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { printJson, printLine } from '../print.js'
import { startProgress } from '../progress.js'
import { withDaemon } from '../session.js'
import { printable } from '../text.js'

export function run(args: ArgsOf<'fetch'>, context: Context): Promise<number> {
  return withDaemon(context, args, async client => {
    const dir = args.output ?? `artifacts-${args.job}`
    // Asked before anything is written: a job without artifacts leaves no directory behind.
    await client.call('artifact.read', { job: args.job, offset: 0, bytesMax: 1 })
    if (!args.list) makeDirectory(dir)
    const zip = await openNameless(args.list ? tmpdir() : dir)
    try {
      await download(context, client, args.job, zip)
      // Another way to the same file, for readers that want a path.
      const path = `/proc/self/fd/${zip.fd}`
      if (args.list) await list(context, path, args.json)
      else await unpack(context, args.job, path, dir, args.json)
      return EXIT.done
    } finally {
      await zip.close()
    }
  })
}

/** A file that has lost its name: whatever ends this program, nothing of it stays on the disk. */
async function openNameless(dir: string): Promise<FileHandle> {
  const path = join(dir, `.jankins-${randomUUID()}`)
  const file = await open(path, 'wx+', 0o600)
  await rm(path)
  return file
}

async function download(context: Context, client: ResilientClient, job: JobId, file: FileHandle): Promise<void> {
  const progress = startProgress(context, 'fetching')
  try {
    await downloadArtifacts(client, job, file, progress.update)
  } finally {
    progress.end()
  }
}

async function list({ stdout }: Context, path: string, json: boolean): Promise<void> {
  for (const entry of await listZipFile(path))
    if (json) await printJson(stdout, entry)
    else await printLine(stdout, `${formatBytes(entry.bytes).padStart(9)}  ${printable(nameOf(entry))}`)
}

async function unpack({ stdout }: Context, job: JobId, path: string, dir: string, json: boolean): Promise<void> {
  const { files, bytes } = await unpackZipFile(path, dir)
  if (json) await printJson(stdout, { job, dir, files, bytes })
  else
    await printLine(stdout, `${files} ${files === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}, in ${printable(dir)}`)
}

const nameOf = ({ path, target }: ListedEntry): string => (target === undefined ? path : `${path} -> ${target}`)
