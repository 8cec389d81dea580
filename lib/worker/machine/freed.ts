import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stream } from '../../../protocol/fields.js'
import { FORM_BYTES_MAX } from '../mask/forms.js'
import type { FreedMarks, StreamMark } from '../ports.js'

/** Gives the blocks of [fromByte, toByte) back to the file system; the file keeps its length. False: it cannot. */
export type PunchHole = (path: string, fromByte: number, toByte: number) => Promise<boolean>

/**
 * Holes begin and end at whole blocks, and well before the last bytes read: those tell whether the file was cut, and
 * whether a secret began there.
 */
const BLOCK_BYTES = 4_096
const KEPT_BYTES = FORM_BYTES_MAX + 64 * 1024

/** `fallocate` of util-linux, for Node has no call for it. After the first failure it is left alone. */
export function createPunchHole(): PunchHole {
  let isAble: boolean = true
  return async (path, fromByte, toByte) => {
    if (!isAble) return false
    const range = ['--offset', String(fromByte), '--length', String(toByte - fromByte)]
    const child = spawn('fallocate', ['--punch-hole', ...range, path], { stdio: 'ignore' })
    const [code] = await once(child, 'exit').catch(() => [-1])
    isAble = code === 0
    return isAble
  }
}

/** What of the logs of one attempt is freed already, noted in DIR/freed before it is done. */
export interface Freed {
  /** End of the hole that may be there: what stands before it can be read no more. */
  holeEnd(stream: Stream): number
  /** @param isWhole looks whether the stream still is its file, byte by byte */
  free(stream: Stream, mark: StreamMark, isWhole: () => Promise<boolean>): Promise<void>
  read(): Promise<FreedMarks>
}

export function createFreed(dir: string, punchHole: PunchHole): Freed {
  let marks: FreedMarks = {}
  const holeEnds = { stdout: 0, stderr: 0 }
  return {
    holeEnd: stream => holeEndOf(marks[stream]),
    async free(stream, mark, isWhole) {
      const holeEnd = holeEndOf(mark)
      if (holeEnd <= holeEnds[stream] || !(await isWhole())) return
      const before = marks
      marks = { ...before, [stream]: mark }
      const isNoted = await writeDurably(dir, marks).then(
        () => true,
        () => false, // a full disk
      )
      if (isNoted && (await punchHole(join(dir, stream), holeEnds[stream], holeEnd))) holeEnds[stream] = holeEnd
      else {
        marks = before
        if (isNoted) await writeDurably(dir, before).catch(() => {})
      }
    },
    async read() {
      const text = await readFile(join(dir, 'freed'), 'utf8').catch(() => '{}')
      marks = JSON.parse(text) as FreedMarks
      return marks
    },
  }
}

const holeEndOf = (mark: StreamMark | undefined): number =>
  Math.max(0, Math.floor(((mark?.bytes ?? 0) - KEPT_BYTES) / BLOCK_BYTES) * BLOCK_BYTES)

/** Readers see the old marks or the new ones, after a power loss too: no hole is ever older than its note. */
async function writeDurably(dir: string, marks: FreedMarks): Promise<void> {
  const path = join(dir, 'freed')
  const file = await open(`${path}.new`, 'w', 0o600)
  try {
    await file.writeFile(JSON.stringify(marks))
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
  const directory = await open(dir, 'r')
  await directory.sync().finally(() => directory.close())
}
