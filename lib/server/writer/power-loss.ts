import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../base/log.js'
import type { Blobs } from '../../blobs/blobs.js'
import type { StoreReader } from '../../store/store.js'

const KERNEL_BOOT_ID = '/proc/sys/kernel/random/boot_id'
const MEMORY = 'boot-id'
/** Made before anything is put into them, and durable: what is synced later lies in a folder that a power loss keeps. */
const FOLDERS = ['logs', 'artifacts', 'bundles']

export interface StartParts {
  readonly dataDir: string
  readonly store: Pick<StoreReader, 'readDispatchState'>
  readonly blobs: Pick<Blobs, 'cutLog'>
  readonly log: Log
  /** Of this life of the machine. */
  readonly bootId?: string
}

/**
 * Cuts the logs of RUNNING jobs to what the store says is durable, when the machine was started since this directory
 * was last used: what lies behind may be zeros, or another file's bytes. Their workers send the rest again. Has to be
 * done before anybody may append; one that is broken off is done anew by the next start.
 * @returns how many logs were looked at
 * @throws the error of the disk: nothing may be appended then
 */
export async function cutUnsafeLogs(parts: StartParts): Promise<number> {
  const { dataDir, store, blobs, log, bootId = readFileSync(KERNEL_BOOT_ID, 'utf8').trim() } = parts
  for (const folder of FOLDERS) mkdirSync(join(dataDir, folder), { recursive: true, mode: 0o700 })
  const before = rememberedBoot(dataDir)
  if (before === bootId) return 0
  const { running } = await store.readDispatchState()
  for (const { job, attempt, durableStdoutBytes, durableStderrBytes } of running)
    await blobs.cutLog({ job, attempt }, durableStdoutBytes, durableStderrBytes)
  if (running.length > 0)
    log.warn('the machine was started anew: logs of running jobs were cut to what is surely on the disk', {
      logs: running.length,
    })
  rememberBoot(dataDir, bootId)
  return running.length
}

/** Undefined when none was written: then nothing is known of how the machine ended. */
function rememberedBoot(dataDir: string): string | undefined {
  try {
    return readFileSync(join(dataDir, MEMORY), 'utf8').trim()
  } catch {
    return undefined
  }
}

/** Whole or as it was before; durable together with the folders. */
function rememberBoot(dataDir: string, bootId: string): void {
  const path = join(dataDir, MEMORY)
  const file = openSync(`${path}.new`, 'w', 0o600)
  try {
    writeSync(file, `${bootId}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(`${path}.new`, path)
  const directory = openSync(dataDir, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
