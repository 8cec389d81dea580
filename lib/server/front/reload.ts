import { isDeepStrictEqual } from 'node:util'
import type { DaemonConfig } from '../../base/config.js'

type Key = keyof DaemonConfig

interface KeyRow {
  /** As it is written in jankins.conf. */
  readonly name: string
  /** When a change of it is taken over. */
  readonly at: 'reload' | 'restart'
}

/** A key without a decision about reloading does not compile. */
const KEYS: { readonly [K in Key]: KeyRow } = {
  host: { name: 'host', at: 'restart' },
  port: { name: 'port', at: 'restart' },
  allowPlaintext: { name: 'allow_plaintext', at: 'restart' },
  metrics: { name: 'metrics', at: 'restart' },
  metricsAllowRemote: { name: 'metrics_allow_remote', at: 'restart' },
  dataDir: { name: 'data', at: 'restart' },
  reserveBytes: { name: 'reserve', at: 'restart' },
  frameBytesMax: { name: 'buffer', at: 'restart' },
  threads: { name: 'threads', at: 'restart' },
  threadHeapBytes: { name: 'thread_heap', at: 'restart' },
  byteBudgetBytes: { name: 'byte_budget', at: 'restart' },
  connectionsMax: { name: 'connections_max', at: 'reload' },
  connectionsPerAddressMax: { name: 'connections_per_address', at: 'reload' },
  connectionsPerUserMax: { name: 'connections_per_user', at: 'reload' },
  stallTimeoutMs: { name: 'stall_timeout', at: 'reload' },
  frameTimeoutMs: { name: 'frame_timeout', at: 'reload' },
  logLevel: { name: 'log_level', at: 'reload' },
  logFormat: { name: 'log_format', at: 'reload' },
  tls: { name: 'tls', at: 'restart' },
  requireApproval: { name: 'require_approval', at: 'restart' },
  retention: { name: 'retention', at: 'reload' },
}

export interface Reloaded {
  /** What is to hold from now on: what needs a restart is as it was. */
  readonly config: DaemonConfig
  /** The keys whose value in the file is not the one that holds, by their names there. */
  readonly changes: readonly KeyRow[]
}

/** What becomes of a configuration that was read again while the daemon runs under `current`. */
export function reloadedConfig(current: DaemonConfig, read: DaemonConfig): Reloaded {
  const changed = (Object.keys(KEYS) as Key[]).filter(key => !isDeepStrictEqual(current[key], read[key]))
  const taken = changed.filter(key => KEYS[key].at === 'reload')
  const config: DaemonConfig = { ...current, ...Object.fromEntries(taken.map(key => [key, read[key]])) }
  return { config, changes: changed.map(key => KEYS[key]) }
}
