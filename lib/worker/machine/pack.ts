import { opendirSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sha256 } from '../../../protocol/ids.js'
import { zipGlobs } from '../../client/archive/zip-globs.js'

interface Packed {
  readonly bytes: number
  readonly sha256: Sha256
}

/**
 * Packs the artifacts of an attempt into artifacts.zip. Its sum is written when it is whole: another worker process
 * ships the same bytes then instead of packing them anew.
 */
export async function packAttempt(dir: string, globs: readonly string[]): Promise<Packed | undefined> {
  const kept = join(dir, 'artifacts')
  const isEmpty = hasNoEntry(kept)
  if (globs.length === 0 && isEmpty) return undefined
  const sumFile = join(dir, 'artifacts.sum')
  const done = await readFile(sumFile, 'utf8').catch(() => undefined)
  if (done !== undefined) return (JSON.parse(done) as { packed?: Packed }).packed
  const zip = join(dir, 'artifacts.zip')
  await rm(zip, { force: true })
  const result = await zipGlobs(join(dir, 'workspace'), globs, isEmpty ? undefined : kept, zip)
  const packed = result && { bytes: result.bytes, sha256: result.sha256 }
  await writeFile(`${sumFile}.new`, JSON.stringify({ packed }))
  await rename(`${sumFile}.new`, sumFile)
  return packed
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
