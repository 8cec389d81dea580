import { Buffer } from 'node:buffer'
import type { Stream } from '../../../protocol/fields.js'
import type { AttemptFiles } from '../ports.js'
import { formsOf } from './forms.js'
import { createMasker, type Masker } from './masker.js'

/** The files of an attempt with the secrets in its log hidden, as they may leave the machine. */
export interface MaskedLog {
  /**
   * Each byte of a log is where it is in the file, and what hides it follows from the file alone: so whatever process
   * reads it, from whatever offset, reads the same. While the job runs a log ends before what may be the begin of a
   * secret.
   */
  readonly files: AttemptFiles
  /** To be called before anything is read. */
  hide(values: readonly string[]): void
  /** Nothing is written any more: the log ends where the file does. */
  end(): void
}

export function createMaskedLog(files: AttemptFiles): MaskedLog {
  let masker: Masker | undefined
  let hasEnded: boolean = false
  const endBytes = new Map<Stream, number>()

  /** As many bytes as there are, also where the files give them in pieces. */
  async function readRange(stream: Stream, from: number, to: number): Promise<Buffer> {
    const pieces: Buffer[] = []
    for (let offset = from; offset < to; ) {
      const piece = await files.readStream(stream, offset, to - offset)
      if (piece.length === 0) break
      pieces.push(piece)
      offset += piece.length
    }
    return Buffer.concat(pieces)
  }

  async function streamBytes(stream: Stream): Promise<number> {
    if (!masker) return files.streamBytes(stream)
    const fileBytes = endBytes.get(stream) ?? (await files.streamBytes(stream))
    if (hasEnded) {
      endBytes.set(stream, fileBytes)
      return fileBytes
    }
    const from = Math.max(0, fileBytes - masker.reachBytes)
    return from + masker.heldFrom(await readRange(stream, from, fileBytes))
  }

  async function readStream(stream: Stream, offset: number, bytesMax: number, into?: Buffer): Promise<Buffer> {
    if (!masker) return files.readStream(stream, offset, bytesMax, into)
    const from = Math.max(0, offset - masker.reachBytes)
    const to = Math.min(offset + bytesMax + masker.reachBytes, endBytes.get(stream) ?? Number.POSITIVE_INFINITY)
    const bytes = await readRange(stream, from, to)
    masker.mask(bytes)
    return bytes.subarray(offset - from, offset - from + bytesMax)
  }

  return {
    files: { ...files, streamBytes, readStream },
    hide(values) {
      masker = values.length === 0 ? undefined : createMasker(formsOf(values))
    },
    end() {
      hasEnded = true
    },
  }
}
