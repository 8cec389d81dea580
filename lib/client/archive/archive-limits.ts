import { LIMITS } from '../../../protocol/limits.js'

const MIB = 1024 * 1024

export interface ArchiveLimits {
  readonly entriesMax: number
  /** Of one file when unpacked. */
  readonly fileBytesMax: number
  /** Of all files when unpacked. */
  readonly bytesMax: number
  /** Largest ratio of unpacked to packed bytes, looked at beyond `ratioFreeBytes` unpacked. */
  readonly ratioMax: number
  readonly ratioFreeBytes: number
}

/** An archive with more entries, or with a larger file, is not unpacked in memory. */
const MEMORY = { entriesMax: 50_000, fileBytesMax: 128 * MIB }
export const fitsMemory = (entryCount: number, fileBytes: number): boolean =>
  entryCount <= MEMORY.entriesMax && fileBytes <= MEMORY.fileBytesMax

/** What travels with a job: held in memory entry by entry. */
export const BUNDLE_LIMITS: ArchiveLimits = {
  ...MEMORY,
  bytesMax: 512 * MIB,
  ratioMax: 100,
  ratioFreeBytes: 64 * MIB,
}

/** What a job keeps. A few GiB of zeros are a file; more of them are a bomb. */
export const ARTIFACT_LIMITS: ArchiveLimits = {
  entriesMax: 200_000,
  fileBytesMax: LIMITS.artifactBytesMax.value,
  bytesMax: LIMITS.artifactBytesMax.value,
  ratioMax: 200,
  ratioFreeBytes: 4_096 * MIB,
}
