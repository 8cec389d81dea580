import { createHash } from 'node:crypto'
import { constants, createWriteStream } from 'node:fs'
import { type FileHandle, lstat, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import { parseSha256, type Sha256 } from '../../../protocol/ids.js'
import { ArchiveError } from './archive-error.js'
import { ARTIFACT_LIMITS } from './archive-limits.js'
import { checkTreeFiles } from './entry-checks.js'
import { compileGlobs } from './globs.js'
import { isPacked } from './packed-names.js'
import { type TreeFile, walkTree } from './tree-files.js'

/** Times that every reader of zips understands: 1980-01-02 to 2037-12-31. */
const MTIME_MS_MIN = Date.UTC(1980, 0, 2)
const MTIME_MS_MAX = Date.UTC(2037, 11, 31)

/** What a directory gets that no entry names. */
const PLAIN_MODES: ReadonlySet<number> = new Set([0o755, 0o775])
/** Smaller files are stored: a compressor of their own costs more than they could save. */
const COMPRESSED_BYTES_MIN = 512
/** Read at once: each piece is a round through six streams and the pool of threads. */
const READ_BYTES = 512 * 1024

export interface ZippedGlobs {
  readonly bytes: number
  readonly sha256: Sha256
  /** Files and symlinks. */
  readonly files: number
}

/**
 * Zips what matches below `root`, and everything in `extraDir` under its own names, as a stream: memory does not grow
 * with the files. Modes, times and symlinks are kept. Undefined when no file matched; there is no output then.
 * @param output a new file, 0600
 * @throws ArchiveError when a symlink leads out, or when the archive could not be unpacked again
 */
export async function zipGlobs(
  root: string,
  globs: readonly string[],
  extraDir: string | undefined,
  output: string,
): Promise<ZippedGlobs | undefined> {
  const found = await findFiles(root, globs, extraDir)
  const files = found.filter(({ kind }) => kind !== 'directory').length
  if (files === 0) return undefined
  checkTreeFiles(found, ARTIFACT_LIMITS)
  try {
    const written = await writeZip(found, output)
    const bytes = found.reduce((sum, file) => sum + file.bytes, 0)
    if (bytes > ARTIFACT_LIMITS.ratioFreeBytes && bytes > written.bytes * ARTIFACT_LIMITS.ratioMax)
      throw new ArchiveError(`${bytes} bytes became ${written.bytes}: this could not be told from a bomb`)
    return { ...written, files }
  } catch (error) {
    await rm(output, { force: true })
    throw error
  }
}

async function findFiles(
  root: string,
  patterns: readonly string[],
  extraDir: string | undefined,
): Promise<readonly TreeFile[]> {
  const globs = compileGlobs(patterns)
  const found: TreeFile[] = []
  for (const base of globs.bases)
    if (await isReachable(root, base))
      for await (const file of walkTree(root, base)) if (globs.matches(file.path)) found.push(file)
  if (extraDir !== undefined && (await lstat(extraDir).catch(() => undefined))?.isDirectory())
    for await (const file of walkTree(extraDir, '')) found.push(file)
  return withoutNeedless(found)
}

/** Without directories that come back by what is in them: each entry costs yazl a look at all before it. */
function withoutNeedless(found: readonly TreeFile[]): TreeFile[] {
  const parents = new Set(found.map(({ path }) => path.slice(0, Math.max(0, path.lastIndexOf('/')))))
  return found.filter(({ kind, path, mode }) => kind !== 'directory' || !parents.has(path) || !PLAIN_MODES.has(mode))
}

/** Whether every directory on the way is one, and no symlink that may lead anywhere. */
async function isReachable(root: string, base: string): Promise<boolean> {
  for (let slash = base.indexOf('/'); slash >= 0; slash = base.indexOf('/', slash + 1)) {
    const stats = await lstat(join(root, base.slice(0, slash))).catch(() => undefined)
    if (!stats?.isDirectory()) return false
  }
  return true
}

async function writeZip(found: readonly TreeFile[], output: string): Promise<{ bytes: number; sha256: Sha256 }> {
  const zip = new ZipFile()
  const hash = createHash('sha256')
  let bytes = 0
  const stream = Readable.from(zip.outputStream)
  zip.on('error', error => stream.destroy(error))
  const writing = pipeline(
    stream,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk)
        bytes += chunk.length
        yield chunk
      }
    },
    // Room for one piece while the one before it is written.
    createWriteStream(output, { flags: 'wx', mode: 0o600, highWaterMark: 2 * READ_BYTES }),
  )
  const files = addEntries(zip, found)
  try {
    await writing
  } finally {
    files.close()
  }
  const sha256 = parseSha256(hash.digest('hex'))
  if (!sha256) throw new Error('a SHA-256 is 64 hex digits')
  return { bytes, sha256 }
}

/**
 * Directories and symlinks first: yazl recurses over what it can write at once, and these it writes as they come.
 * The files follow one at a time, so that no more than one is open.
 */
function addEntries(zip: ZipFile, found: readonly TreeFile[]): { close(): void } {
  for (const file of found) if (file.kind === 'directory') zip.addEmptyDirectory(file.path, attributes(file, 0o040000))
  for (const file of found)
    if (file.target !== undefined)
      zip.addBuffer(Buffer.from(file.target), file.path, { ...attributes(file, 0o120000), compress: false })
  const files = found.filter(({ kind }) => kind === 'file')
  let reading: Readable | undefined
  const addNext = (index: number): void => {
    const file = files[index]
    if (!file) {
      zip.end()
      return
    }
    const compressionLevel = file.bytes < COMPRESSED_BYTES_MIN || isPacked(file.path) ? 0 : 1
    const options = { ...attributes(file, 0o100000), size: file.bytes, compressionLevel }
    zip.addReadStreamLazy(file.path, options, give => {
      const start = (handle: FileHandle): void => {
        reading = handle.createReadStream({ highWaterMark: READ_BYTES })
        reading.on('error', error => zip.emit('error', error))
        give(null, reading)
        addNext(index + 1)
      }
      open(file.absolute, constants.O_RDONLY | constants.O_NOFOLLOW).then(start, error => zip.emit('error', error))
    })
  }
  addNext(0)
  return { close: () => void reading?.destroy() }
}

const attributes = (file: TreeFile, type: number): { mode: number; mtime: Date } => ({
  mode: type | file.mode,
  mtime: new Date(Math.min(MTIME_MS_MAX, Math.max(MTIME_MS_MIN, file.mtimeMs))),
})
