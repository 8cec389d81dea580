import { Buffer } from 'node:buffer'
import { appendFile, type FileHandle, mkdir, open, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Part } from '../../../protocol/fields.js'
import { unpackBundle } from '../../client/archive/unpack.js'
import type { AttemptFiles, GrantRecord } from '../ports.js'
import { packAttempt } from './pack.js'
import { removeTree } from './remove-tree.js'

/** The directory of an attempt, and the paths in it that only the executor needs. */
export interface LinuxAttempt extends AttemptFiles {
  readonly name: string
  readonly dir: string
  /** Null: not there, or not whole. */
  readLine(file: 'shell' | 'status' | 'cgroup'): Promise<string | null>
  /** Whoever ends the attempt later finds its cgroup here. */
  writeCgroup(dir: string): Promise<void>
  /** Returns the path of the script, executable. */
  writeScript(script: string): Promise<string>
}

const FILE_OF: { readonly [P in Part]: string } = { stdout: 'stdout', stderr: 'stderr', artifacts: 'artifacts.zip' }

export async function makeAttempt(dir: string, record: GrantRecord, bootId: string): Promise<LinuxAttempt> {
  await mkdir(dir, { mode: 0o700 })
  try {
    await mkdir(join(dir, 'workspace'))
    await mkdir(join(dir, 'artifacts'))
    await writeWhole(join(dir, 'grant'), JSON.stringify(record))
  } catch (error) {
    await removeTree(dir).catch(() => {}) // a full disk must not keep what could not be made
    throw error
  }
  return attemptIn(dir, record, bootId)
}

/** Undefined when there is no whole grant in it: the worker died while it made or removed the directory. */
export async function openAttempt(dir: string, bootId: string): Promise<LinuxAttempt | undefined> {
  const record = await readJson<GrantRecord>(join(dir, 'grant'))
  return record && attemptIn(dir, record, bootId)
}

function attemptIn(dir: string, record: GrantRecord, bootId: string): LinuxAttempt {
  const path = (name: string): string => join(dir, name)
  const handles = new Map<Part, Promise<FileHandle>>()
  const opened = (part: Part): Promise<FileHandle> => {
    const handle = handles.get(part) ?? open(path(FILE_OF[part]), 'r')
    handles.set(part, handle)
    return handle
  }
  return {
    name: dir.slice(dir.lastIndexOf('/') + 1),
    dir,
    record,
    workspaceDir: path('workspace'),
    artifactsDir: path('artifacts'),
    // The shell's own first file: as soon as it exists a shell may exist.
    markLaunched: () => appendFile(path('stdout'), '', { mode: 0o600 }),
    wasLaunched: async () => (await sizeOf(path('stdout'))) !== undefined,
    // Hundredths of a second, as a shell can count them, and the life of the machine that they belong to.
    writeLeaseEnd: endsAtBootMs => writeOver(path('lease-end'), `${Math.floor(endsAtBootMs / 10)} ${bootId}\n`),
    async readLeaseEnd() {
      const [ticks, boot] = ((await readText(path('lease-end'))) ?? '').trim().split(' ')
      return boot === bootId ? Number(ticks) * 10 : undefined
    },
    writeEnding: ending => writeWhole(path('ending'), JSON.stringify(ending)),
    readEnding: () => readJson(path('ending')),
    writePlan: plan => writeWhole(path('plan'), JSON.stringify(plan)),
    readPlan: () => readJson(path('plan')),
    async unpackBundle(zip) {
      // An earlier worker process may have been ended while it unpacked.
      await removeTree(path('workspace'))
      await mkdir(path('workspace'))
      await unpackBundle(zip, path('workspace'))
    },
    note: line => appendFile(path('stderr'), `jankins: ${line}\n`, { mode: 0o600 }),
    partBytes: async part => (await sizeOf(path(FILE_OF[part]))) ?? 0,
    async readPart(part, offset, bytesMax) {
      const buffer = Buffer.allocUnsafe(bytesMax)
      const { bytesRead } = await (await opened(part)).read(buffer, 0, bytesMax, offset)
      return buffer.subarray(0, bytesRead)
    },
    packArtifacts: globs => packAttempt(dir, globs),
    async remove() {
      await Promise.all([...handles.values()].map(handle => handle.then(h => h.close()).catch(() => {})))
      handles.clear()
      // First the grant: what is left when this is broken off is no attempt any more.
      await unlink(path('grant')).catch(() => {})
      await removeTree(dir)
    },
    async readLine(file) {
      const text = await readText(path(file))
      return text?.endsWith('\n') ? text.slice(0, -1) : null
    },
    writeCgroup: cgroup => writeWhole(path('cgroup'), `${cgroup}\n`),
    async writeScript(script) {
      await writeFile(path('script'), script, { mode: 0o700 })
      return path('script')
    },
  }
}

/** Readers see the old file or the new one, whole. One call at a time for each file. */
async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** The same on a full disk too: over the old text, which has its block already, in one write. */
async function writeOver(path: string, text: string): Promise<void> {
  try {
    await writeWhole(path, text)
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    const file = await open(path, 'r+')
    try {
      await file.write(text, 0)
      await file.truncate(Buffer.byteLength(text))
    } finally {
      await file.close()
    }
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await readText(path)
  return text === undefined ? undefined : (JSON.parse(text) as T)
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
