import { type Clock, systemClock } from '../base/clock.js'
import { createArtifactFiles } from './artifact-files.js'
import type { Blobs } from './blobs.js'
import { createBundleFiles } from './bundle-files.js'
import { createFilePool } from './file-pool.js'
import { createLogFiles } from './log-files.js'

/**
 * Logs, artifacts and bundles as files under `dataDir`. Each thread opens its own; they may work on the same files.
 * `clock` says when an idle file is closed, when a bundle was asked for, and when to look for parts that were left.
 */
export function openBlobs(dataDir: string, clock: Clock = systemClock): Blobs & { close(): Promise<void> } {
  const pool = createFilePool(clock)
  const logs = createLogFiles(dataDir, pool)
  const artifacts = createArtifactFiles(dataDir, pool, clock)
  const bundles = createBundleFiles(dataDir, pool, clock)
  return {
    append: (key, part, offset, data, durableBytes) =>
      part === 'artifacts' ? artifacts.append(key, offset, data) : logs.append(key, part, offset, data, durableBytes),
    async lengths(key) {
      const [log, artifactBytes] = await Promise.all([logs.lengths(key), artifacts.bytes(key)])
      return { ...log, artifacts: artifactBytes }
    },
    readLog: logs.readLog,
    sealLog: logs.sealLog,
    async endParts(key) {
      const logBytes = await logs.end(key)
      await artifacts.drop(key).catch(() => {}) // it goes with other old parts then
      return logBytes
    },
    cutLog: logs.cutLog,
    sealArtifacts: artifacts.sealArtifacts,
    dropArtifacts: artifacts.drop,
    readArtifacts: artifacts.readArtifacts,
    writeBundle: bundles.writeBundle,
    bundleBytes: bundles.bundleBytes,
    touchBundle: bundles.touchBundle,
    readBundle: bundles.readBundle,
    close: () => pool.close(),
  }
}
