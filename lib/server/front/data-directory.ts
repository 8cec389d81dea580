import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { makeDirectory } from '../../base/make-directory.js'
import { takeDataLock } from './data-lock.js'
import { StartError } from './start-error.js'

/** The directory of one daemon, held by this process until `release`. */
export interface DataDirectory {
  readonly path: string
  /** 32 hex digits, made by the first start: the home of leases. */
  readonly daemon: string
  /** 32 bytes that never leave the daemon. */
  readonly scramSecret: Uint8Array
  /** 32 bytes that open the secrets of actions. A backup needs them too. */
  readonly secretKey: Uint8Array
  release(): void
}

/**
 * Makes the directory, readable by its owner alone, and takes it.
 * @throws StartError that says what to do
 */
export function takeDataDirectory(dataDir: string): DataDirectory {
  const path = resolve(dataDir)
  try {
    makeDirectory(path, 0o700)
  } catch (error) {
    throw unwritable(path, error)
  }
  const lock = locked(path)
  try {
    const daemon = secretFile(join(path, 'daemon-id'), () => randomBytes(16).toString('hex'))
    return {
      path,
      daemon: checked(daemon, /^[0-9a-f]{32}$/, join(path, 'daemon-id')),
      scramSecret: secretBytes(join(path, 'scram-secret')),
      secretKey: secretBytes(join(path, 'secret-key')),
      release: lock.release,
    }
  } catch (error) {
    lock.release()
    throw error instanceof StartError ? error : unwritable(path, error)
  }
}

function locked(path: string): { release(): void } {
  const lock = attempt(path)
  if (lock) return lock
  throw new StartError(`another jankinsd runs on ${path}: stop it, or give another --data`)
}

function attempt(path: string): { release(): void } | undefined {
  try {
    return takeDataLock(path)
  } catch (error) {
    throw unwritable(path, error)
  }
}

/** 32 bytes, as hex digits in a file that is made when there is none. */
function secretBytes(path: string): Uint8Array {
  const digits = secretFile(path, () => randomBytes(32).toString('hex'))
  return Buffer.from(checked(digits, /^[0-9a-f]{64}$/, path), 'hex')
}

/** The content of a file of mode 0600, made with `make` when there is none: whole from the moment that it is there. */
function secretFile(path: string, make: () => string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
  const content = make()
  writeSecretFile(path, content)
  return content
}

/** Writes a file of mode 0600 that a power loss leaves whole or absent. It must not be there. */
export function writeSecretFile(path: string, content: string): void {
  const temporary = `${path}.new`
  rmSync(temporary, { force: true })
  const file = openSync(temporary, 'wx', 0o600)
  try {
    writeSync(file, `${content}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  linkSync(temporary, path)
  rmSync(temporary)
}

function checked(content: string, form: RegExp, path: string): string {
  if (form.test(content)) return content
  throw new StartError(`${path} does not hold what jankinsd wrote: restore it from a backup`)
}

function unwritable(path: string, error: unknown): StartError {
  const why = codeOf(error) ?? (error instanceof Error ? error.message : String(error))
  return new StartError(`cannot write to ${path} (${why}): give --data a directory that this user may write to`, 1, {
    cause: error,
  })
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
