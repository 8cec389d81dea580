import { lstat, opendir, rename, rm, rmdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { makeDirectory } from '../../base/make-directory.js'
import { findDamage } from '../../store/upkeep.js'
import { StartError } from '../front/start-error.js'
import { runTar } from './tar.js'

/**
 * Makes a data directory of a backup. It appears as a whole or not at all.
 * @throws StartError that says what to do: the directory holds something, the archive is damaged or none of jankinsd's
 */
export async function restore(path: string, dataDir: string): Promise<void> {
  const to = resolve(dataDir)
  await checkEmpty(to)
  const work = `${to}.restoring`
  try {
    await rm(work, { recursive: true, force: true })
    makeDirectory(work, 0o700)
    await unpack(resolve(path), work)
    const [damage] = findDamage(work)
    if (damage !== undefined) throw new Error(`its database is damaged: ${damage}`)
    await rmdir(to).catch(() => {})
    await rename(work, to)
  } catch (cause) {
    throw new StartError(`cannot restore ${path}: ${(cause as Error).message}`, 1, { cause })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function checkEmpty(dataDir: string): Promise<void> {
  const isUsed = await opendir(dataDir).then(
    async directory => {
      const first = await directory.read()
      await directory.close()
      return first !== null
    },
    () => false,
  )
  if (isUsed) throw new StartError(`${dataDir} is not empty: give --data a directory that is empty or not there yet`)
}

async function unpack(path: string, into: string): Promise<void> {
  const rights = ['--no-same-owner', '--no-same-permissions', '--keep-old-files', '--delay-directory-restore']
  await runTar(['--extract', `--file=${path}`, '--directory', into, ...rights], undefined)
  await checkTree(into)
}

/** jankinsd writes directories and files, and nothing that leads elsewhere. */
async function checkTree(directory: string): Promise<void> {
  for await (const entry of await opendir(directory)) {
    const path = join(directory, entry.name)
    const stats = await lstat(path)
    if (stats.isDirectory()) await checkTree(path)
    else if (!stats.isFile() || stats.nlink > 1) throw new Error(`${entry.name} is no plain file: this is no backup`)
  }
}
