import type { FileHandle } from 'node:fs/promises'
import { open, rename, rm } from 'node:fs/promises'
import type { Stream } from '../../protocol/fields.js'
import { onDisk } from './disk-errors.js'
import { readAt, writeEnd } from './file-bytes.js'
import type { FilePool, OpenFile } from './file-pool.js'

/**
 * How two streams arrived, as a file of records: both ends, stdout and stderr, each a big-endian uint64. A record is
 * written when another stream begins to grow, before its bytes: so between two records one stream grew, what lies
 * behind the last record follows from the lengths of the streams, and a log of one stream has no order file.
 * Where both grew between two records (only after a cut), stdout counts as first. A record never changes.
 */
export interface Ends {
  readonly stdout: number
  readonly stderr: number
}

/** A piece of one stream, both offsets its own. */
export interface Segment {
  readonly stream: Stream
  readonly from: number
  readonly to: number
}

const RECORD_BYTES = 16
/** A search that is down to this many records reads them at once. */
const PAGE_RECORDS = 256
const REWRITE_RECORDS = 65_536
const START: Ends = { stdout: 0, stderr: 0 }

const total = (ends: Ends): number => ends.stdout + ends.stderr

/** Notes `ends` unless the other stream has not grown since the last record: `stream` is about to grow. */
export async function noteOrder(pool: FilePool, path: string, ends: Ends, stream: Stream): Promise<void> {
  const other = stream === 'stdout' ? 'stderr' : 'stdout'
  if (ends[other] === 0) return
  const note = async (file: OpenFile): Promise<void> => {
    if ((await lastEnds(file))[other] === ends[other]) return
    await writeEnd(file.handle, recordCount(file) * RECORD_BYTES, encode([ends]))
  }
  await onDisk(() => pool.write(path, note))
}

/**
 * Segments from the merged offset on, in order, at most `segmentsMax` and `bytesMax` in all. `ends` must have been
 * read before this call: what the file knows beyond them is newer.
 */
export async function findSegments(
  pool: FilePool,
  path: string,
  ends: Ends,
  offset: number,
  bytesMax: number,
  segmentsMax: number,
): Promise<Segment[]> {
  const start = { before: START, records: [ends] }
  if (ends.stdout === 0 || ends.stderr === 0) return cutSegments(start, offset, bytesMax, segmentsMax)
  const found = await pool.read(path, async file => {
    const count = recordCount(file)
    const first = await firstAfter(file.handle, count, offset)
    const from = Math.max(first - 1, 0)
    const records = await readRecords(file.handle, from, Math.min(count, first + segmentsMax) - from)
    const last = records.at(-1) ?? START
    const atEnd = from + records.length === count
    const before = first > 0 ? (records.shift() ?? START) : START
    return { before, records: atEnd ? [...records, later(last, ends)] : records }
  })
  return cutSegments(found ?? start, offset, bytesMax, segmentsMax)
}

const later = (a: Ends, b: Ends): Ends => ({
  stdout: Math.max(a.stdout, b.stdout),
  stderr: Math.max(a.stderr, b.stderr),
})

function cutSegments(
  { before, records }: { before: Ends; records: readonly Ends[] },
  offset: number,
  bytesMax: number,
  segmentsMax: number,
): Segment[] {
  const segments: Segment[] = []
  let position = total(before)
  let left = bytesMax
  let previous = before
  for (const record of records) {
    for (const stream of ['stdout', 'stderr'] as const) {
      const skip = Math.min(Math.max(0, offset - position), record[stream] - previous[stream])
      const from = previous[stream] + skip
      const to = Math.min(record[stream], from + left)
      position += record[stream] - previous[stream]
      if (to <= from) continue
      if (segments.length === segmentsMax) return segments
      segments.push({ stream, from, to })
      left -= to - from
    }
    previous = record
  }
  return segments
}

/** Index of the first record that ends behind the merged offset; `count` when there is none. */
async function firstAfter(handle: FileHandle, count: number, offset: number): Promise<number> {
  let low = 0
  let high = count
  while (high - low > PAGE_RECORDS) {
    const middle = Math.floor((low + high) / 2)
    const [record] = await readRecords(handle, middle, 1)
    if (record && total(record) <= offset) low = middle + 1
    else high = middle
  }
  const page = await readRecords(handle, low, high - low)
  const index = page.findIndex(record => total(record) > offset)
  return index < 0 ? low + page.length : low + index
}

/** Makes every record fit streams of these lengths, and drops what no crash-free run could have written. */
export async function cutOrder(pool: FilePool, path: string, ends: Ends): Promise<void> {
  const temporary = `${path}.new`
  const kept = await pool.read(path, async file => {
    const output = await open(temporary, 'w', 0o600)
    try {
      return await copyRecords(file, output, ends)
    } finally {
      await output.close()
    }
  })
  if (kept === undefined) return
  if (kept > 0) await rename(temporary, path)
  else await Promise.all([rm(path, { force: true }), rm(temporary, { force: true })])
  pool.forget(path)
}

/** @returns how many records were kept */
async function copyRecords(file: OpenFile, output: FileHandle, ends: Ends): Promise<number> {
  const count = recordCount(file)
  let previous = START
  let kept = 0
  for (let index = 0; index < count; index += REWRITE_RECORDS) {
    const fitting: Ends[] = []
    for (const record of await readRecords(file.handle, index, Math.min(REWRITE_RECORDS, count - index))) {
      const fit = { stdout: Math.min(record.stdout, ends.stdout), stderr: Math.min(record.stderr, ends.stderr) }
      if (fit.stdout < previous.stdout || fit.stderr < previous.stderr || total(fit) === total(previous)) continue
      fitting.push(fit)
      previous = fit
    }
    if (fitting.length > 0) await output.writeFile(encode(fitting))
    kept += fitting.length
  }
  return kept
}

async function lastEnds(file: OpenFile): Promise<Ends> {
  const count = recordCount(file)
  if (count === 0) return START
  const [last] = await readRecords(file.handle, count - 1, 1)
  return last ?? START
}

/** A record that was not written to its end counts for nothing. */
const recordCount = (file: OpenFile): number => Math.floor(file.bytes / RECORD_BYTES)

async function readRecords(handle: FileHandle, first: number, count: number): Promise<Ends[]> {
  const bytes = await readAt(handle, first * RECORD_BYTES, Buffer.allocUnsafeSlow(Math.max(0, count) * RECORD_BYTES))
  return Array.from({ length: Math.floor(bytes.length / RECORD_BYTES) }, (_, index) => ({
    stdout: Number(bytes.readBigUInt64BE(index * RECORD_BYTES)),
    stderr: Number(bytes.readBigUInt64BE(index * RECORD_BYTES + 8)),
  }))
}

function encode(records: readonly Ends[]): Buffer {
  const bytes = Buffer.alloc(records.length * RECORD_BYTES)
  for (const [index, ends] of records.entries()) {
    bytes.writeBigUInt64BE(BigInt(ends.stdout), index * RECORD_BYTES)
    bytes.writeBigUInt64BE(BigInt(ends.stderr), index * RECORD_BYTES + 8)
  }
  return bytes
}
