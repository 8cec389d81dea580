import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { takeBackupLock } from '../../store/backup-lock.js'
import { DATABASE_FILE } from '../../store/open.js'
import { copyDatabase } from '../../store/upkeep.js'
import { StartError } from '../front/start-error.js'
import { dataFiles } from './contents.js'
import { runTar } from './tar.js'

/**
 * Writes database and files of a data directory into one tar archive of mode 0600, compressed as its name says
 * (.tar.gz, .tar.zst); a daemon may run on it meanwhile. The database is copied first, as it is at one moment: the files
 * that its rows name were there before them, and retention removes none until all were read.
 * @returns size of the archive, bytes
 * @throws StartError that says what to do; `path` is as it was then
 */
export async function backUp(dataDir: string, path: string): Promise<number> {
  const from = resolve(dataDir)
  if (!(await stat(join(from, DATABASE_FILE)).catch(() => undefined)))
    throw new StartError(`there is no database in ${from}: name the data directory of a daemon by --data`)
  const lock = takeBackupLock(from)
  const to = resolve(path)
  // The name decides how tar compresses: it stays at the end.
  const work = join(dirname(to), `.${process.pid}-${to.slice(dirname(to).length + 1)}`)
  try {
    await mkdir(work, { mode: 0o700 })
    copyDatabase(from, join(work, DATABASE_FILE))
    const part = join(work, to.slice(dirname(to).length + 1))
    await (await open(part, 'wx', 0o600)).close()
    const archive = ['--create', '--auto-compress', `--file=${part}`, '--format=posix', ...UNTOLD]
    const members = ['--directory', work, DATABASE_FILE, '--directory', from, '--null', '--files-from=-']
    await runTar([...archive, ...members], named(dataFiles(from)))
    await makeDurable(part)
    await rename(part, to)
    await makeDurable(dirname(to))
    return (await stat(to)).size
  } catch (cause) {
    throw new StartError(`cannot write the backup ${path}: ${(cause as Error).message}`, 1, { cause })
  } finally {
    await rm(work, { recursive: true, force: true })
    lock.release()
  }
}

/** Files of jobs that run may change: whatever else tar tells is a failure. */
const UNTOLD = ['--warning=no-file-changed', '--warning=no-file-shrank', '--warning=no-file-removed']

async function* named(names: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const name of names) yield `${name}\0`
}

async function makeDurable(path: string): Promise<void> {
  const handle = await open(path, 'r')
  await handle.sync().finally(() => handle.close())
}
