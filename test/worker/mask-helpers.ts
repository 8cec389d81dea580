import { Buffer } from 'node:buffer'
import type { AttemptFiles } from '../../lib/worker/ports.js'

/** What a masker has to do, byte by byte and slowly. */
export function maskedSlowly(bytes: Buffer, patterns: readonly Buffer[]): Buffer {
  const masked = Buffer.from(bytes)
  for (const pattern of patterns)
    for (let at = bytes.indexOf(pattern); at >= 0; at = bytes.indexOf(pattern, at + 1))
      masked.fill('*', at, at + pattern.length)
  return masked
}

/** The files of an attempt whose stdout grows; they give at most `pieceBytes` at once. */
export function growingFiles(pieceBytes: number): { files: AttemptFiles; write(bytes: Buffer): void } {
  let stdout: Buffer = Buffer.alloc(0)
  const files = {
    streamBytes: async (part: string) => (part === 'stdout' ? stdout.length : 0),
    readStream: async (_part: string, offset: number, bytesMax: number) =>
      Buffer.from(stdout.subarray(offset, offset + Math.min(bytesMax, pieceBytes))),
  } as unknown as AttemptFiles
  return {
    files,
    write(bytes) {
      stdout = Buffer.concat([stdout, bytes])
    },
  }
}
