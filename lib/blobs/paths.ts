import { join } from 'node:path'
import type { Stream } from '../../protocol/fields.js'
import type { Sha256 } from '../../protocol/ids.js'
import type { AttemptKey } from './blobs.js'

/** Jobs per directory: a directory stays small, and ten million jobs make ten thousand directories. */
const JOBS_PER_DIRECTORY = 1_000

const shard = (key: AttemptKey): string => String(Math.floor(key.job / JOBS_PER_DIRECTORY))

/** A later attempt never shares a file with an earlier one. */
const attemptName = ({ job, attempt }: AttemptKey): string => (attempt === 1 ? String(job) : `${job}.${attempt}`)

export interface LogPaths {
  readonly directory: string
  readonly streams: { readonly [S in Stream]: string }
  readonly order: string
}

export function logPaths(dataDir: string, key: AttemptKey): LogPaths {
  const directory = join(dataDir, 'logs', shard(key))
  const base = join(directory, attemptName(key))
  return { directory, streams: { stdout: `${base}.stdout`, stderr: `${base}.stderr` }, order: `${base}.order` }
}

export interface ArtifactPaths {
  readonly parts: string
  readonly part: string
  readonly directory: string
  readonly final: string
}

export function artifactPaths(dataDir: string, key: AttemptKey): ArtifactPaths {
  const root = join(dataDir, 'artifacts')
  const directory = join(root, shard(key))
  const name = attemptName(key)
  const parts = join(root, 'parts')
  return { parts, part: join(parts, `${name}.part`), directory, final: join(directory, `${name}.zip`) }
}

export interface BundlePaths {
  readonly parts: string
  /** Two clients that announce different sizes for one checksum do not share a part: one of them is wrong. */
  readonly part: string
  readonly directory: string
  readonly final: string
}

export function bundlePaths(dataDir: string, sha256: Sha256, totalBytes: number): BundlePaths {
  const root = join(dataDir, 'bundles')
  const parts = join(root, 'parts')
  const directory = join(root, sha256.slice(0, 2))
  return {
    parts,
    part: join(parts, `${sha256}-${totalBytes}.part`),
    directory,
    final: join(directory, `${sha256}.zip`),
  }
}
