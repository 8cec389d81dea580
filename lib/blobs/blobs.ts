import type { Part, Stream } from '../../protocol/fields.js'
import type { JobId, Sha256 } from '../../protocol/ids.js'

/** One run of a job: what logs and artifacts belong to. */
export interface AttemptKey {
  readonly job: JobId
  /** Counts from 1. */
  readonly attempt: number
}

export interface PartLength {
  /** Bytes that are stored. */
  readonly length: number
  /** Bytes that a power loss cannot take; at most `length`. */
  readonly durableLength: number
}

export interface LogChunk {
  readonly stream: Stream
  readonly data: Uint8Array
}

/**
 * Logs, artifacts and bundles as append, read and seal: answers are lengths, no caller knows a path or stats a file
 * (S3 cannot append: an implementation may keep a tail elsewhere until the seal).
 * Every method may reject with E_STORE_FULL: nothing but whole accepted bytes is stored then.
 */
export interface Blobs {
  /**
   * Adds bytes where the stored ones end. Bytes that are stored already are skipped: the same call may be repeated.
   * The caller makes sure that there is one writer per attempt at a time.
   * @param durableBytes of a stream: what is on record as durable. Each thread knows only of what it made durable itself,
   *   and what is on record must never be cut off, nor be told as less
   * @throws JankinsError E_OFFSET (detail.length) when `offset` lies behind the stored end
   */
  append(key: AttemptKey, part: Part, offset: number, data: Uint8Array, durableBytes?: number): Promise<PartLength>
  /** Lengths of an attempt's parts; 0 for what was never written. */
  lengths(key: AttemptKey): Promise<{ readonly [P in Part]: number }>
  /**
   * At most `bytesMax` bytes of one stream, or of both in the order of their arrival (16-byte records of both ends,
   * found by binary search: the cost does not grow with the log). Empty at the end.
   * @param into at least `bytesMax` long, to be read into
   */
  readLog(
    key: AttemptKey,
    stream: Stream | 'all',
    offset: number,
    bytesMax: number,
    into?: Buffer,
  ): Promise<{ readonly chunks: readonly LogChunk[]; readonly next: number }>
  /**
   * Makes the log durable (file, then directory) and checks that it is what the worker announced. `durableBytes` is
   * that of `append`.
   * @throws JankinsError E_OFFSET when bytes are missing, E_CHECKSUM when a CRC-32 differs: that stream was cut to 0
   */
  sealLog(
    key: AttemptKey,
    expected: { readonly [S in Stream]: { bytes: number; crc32: number; durableBytes?: number } },
  ): Promise<void>
  /**
   * For an attempt that nobody adds to any more although it was not finished: makes durable what there is of its log,
   * whole or not, and drops what there is of its artifacts. @returns bytes of the log, both streams
   */
  endParts(key: AttemptKey): Promise<number>
  /**
   * Makes the artifacts durable under their final name.
   * @throws JankinsError E_OFFSET when bytes are missing, E_CHECKSUM when the hash differs: they were cut to 0
   */
  sealArtifacts(key: AttemptKey, bytes: number, sha256: Sha256): Promise<void>
  /** For a job that ends without artifacts: what there is of them, given up half sent, goes. */
  dropArtifacts(key: AttemptKey): Promise<void>
  /** @param into at least `bytesMax` long, to be read into */
  readArtifacts(key: AttemptKey, offset: number, bytesMax: number, into?: Buffer): Promise<Uint8Array>
  /** Cuts a log back to what was durable, after an unclean start. */
  cutLog(key: AttemptKey, stdoutBytes: number, stderrBytes: number): Promise<void>

  /**
   * Adds bytes to a bundle that is not complete. At `totalBytes` the hash is checked and the bundle appears, once per
   * content.
   * @throws JankinsError E_OFFSET (detail.length), E_CHECKSUM: what was sent is dropped
   */
  writeBundle(
    sha256: Sha256,
    totalBytes: number,
    offset: number,
    data: Uint8Array,
  ): Promise<{ readonly length: number; readonly complete: boolean }>
  /** Size of a complete bundle, or undefined. */
  bundleBytes(sha256: Sha256): Promise<number | undefined>
  /** Somebody is about to need the bundle: it stays for a day at least. False when there is no complete one. */
  touchBundle(sha256: Sha256): Promise<boolean>
  readBundle(sha256: Sha256, offset: number, bytesMax: number): Promise<Uint8Array>
}
