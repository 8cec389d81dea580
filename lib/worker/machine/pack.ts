import { opendirSync } from 'node:fs'
import { join } from 'node:path'
import { zipGlobs } from '../../client/archive/zip-globs.js'
import { type Pack, PackError } from '../ports.js'

/** What an attempt leaves as an archive that is made while it is shipped; undefined when it leaves nothing. @throws PackError */
export async function packAttempt(dir: string, globs: readonly string[]): Promise<Pack | undefined> {
  const kept = join(dir, 'artifacts')
  const isEmpty = hasNoEntry(kept)
  if (globs.length === 0 && isEmpty) return undefined
  const zip = await zipGlobs(join(dir, 'workspace'), globs, isEmpty ? undefined : kept).catch(refuse)
  if (!zip) return undefined
  return {
    get made() {
      return zip.made
    },
    read: (offset, into) => zip.read(offset, into).catch(refuse),
    close: () => zip.close(),
  }
}

function refuse(cause: unknown): never {
  throw new PackError(cause instanceof Error ? cause.message : String(cause), { cause })
}

function hasNoEntry(path: string): boolean {
  try {
    const dir = opendirSync(path)
    try {
      return dir.readSync() === null
    } finally {
      dir.closeSync()
    }
  } catch {
    return true // the job removed it
  }
}
