import { Buffer } from 'node:buffer'
import type { Stream } from '../../protocol/fields.js'

/**
 * What is shipped is a virtual stream: the file itself, or its head, a line that says how much is missing, and the last
 * part of its tail. The cut is decided once, at the end of the job, and written down before a byte behind the head is
 * shipped: a later worker process goes on with the same stream.
 */
export interface StreamPlan {
  /** Bytes of the virtual stream. */
  readonly bytes: number
  /** From here on the virtual stream is not the file. Missing: it is the whole file. */
  readonly cut?: { readonly headBytes: number; readonly mark: string; readonly tailOffset: number }
}
export type EndPlan = { readonly [S in Stream]: StreamPlan }
export type StreamBytes = { readonly [S in Stream]: number }

/** Kept free for the tail while the job runs, as a part of the limit. */
const TAIL_PART = 4

/** How many bytes of both streams together may be shipped while the job still runs. */
export const headBytesMax = (limitBytes: number, onLimit: 'cut' | 'stop'): number =>
  onLimit === 'stop' ? limitBytes : limitBytes - Math.floor(limitBytes / TAIL_PART)

/**
 * Decides what of both files is shipped when the job has ended: limitBytes in all, and a mark for each that is cut.
 * @param shipped what the daemon has of each already: stays as it is
 */
export function planEnd(
  limitBytes: number,
  onLimit: 'cut' | 'stop',
  shipped: StreamBytes,
  files: StreamBytes,
): EndPlan {
  const left = { stdout: files.stdout - shipped.stdout, stderr: files.stderr - shipped.stderr }
  const room = Math.max(0, limitBytes - shipped.stdout - shipped.stderr)
  if (left.stdout + left.stderr <= room) return { stdout: { bytes: files.stdout }, stderr: { bytes: files.stderr } }
  // Who needs less than half leaves the rest to the other one.
  const half = Math.floor(room / 2)
  const stderrRoom = Math.min(left.stderr, Math.max(half, room - left.stdout))
  const stdoutRoom = Math.min(left.stdout, room - stderrRoom)
  return {
    stdout: planStream(shipped.stdout, files.stdout, stdoutRoom, onLimit),
    stderr: planStream(shipped.stderr, files.stderr, stderrRoom, onLimit),
  }
}

/** @param room bytes that may follow what was shipped, not counting the mark */
function planStream(shipped: number, fileBytes: number, room: number, onLimit: 'cut' | 'stop'): StreamPlan {
  if (fileBytes - shipped <= room) return { bytes: fileBytes }
  // Nothing of a short log may have been shipped yet: then most of the room belongs to its head.
  const more = onLimit === 'stop' ? room : shipped === 0 ? headBytesMax(room, onLimit) : 0
  const headBytes = shipped + more
  const tailOffset = fileBytes - (room - more)
  const mark = markLine(tailOffset - headBytes)
  return { bytes: headBytes + mark.length + room - more, cut: { headBytes, mark, tailOffset } }
}

const markLine = (missingBytes: number): string => `\n[jankins: log limit reached, ${missingBytes} bytes left out]\n`

/** Where the bytes at `offset` of the virtual stream come from. */
export function locate(
  plan: StreamPlan,
  offset: number,
  bytesMax: number,
):
  | { readonly kind: 'file'; readonly offset: number; readonly bytes: number }
  | { readonly kind: 'mark'; readonly data: Buffer } {
  const bytes = Math.min(bytesMax, plan.bytes - offset)
  const { cut } = plan
  if (!cut) return { kind: 'file', offset, bytes }
  if (offset < cut.headBytes) return { kind: 'file', offset, bytes: Math.min(bytes, cut.headBytes - offset) }
  const inMark = offset - cut.headBytes
  if (inMark < cut.mark.length)
    return { kind: 'mark', data: Buffer.from(cut.mark.slice(inMark, inMark + bytes), 'latin1') }
  return { kind: 'file', offset: cut.tailOffset + inMark - cut.mark.length, bytes }
}
