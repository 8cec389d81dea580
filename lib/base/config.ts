import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parse, TomlError } from 'smol-toml'
import type { core } from 'zod/mini'
import { type FileKeys, fileKeys } from './config-keys.js'
import type { LogFormat, LogLevel } from './log.js'

import type { TlsConfig } from './tls-keys.js'
import { placeOf } from './toml-place.js'
import type { Trust } from './trust.js'
import { formatSize } from './units.js'
import type { Address } from './wire.js'

/** The file or a flag is wrong: exit status 2. The message is one line, with file, line and column where there is one. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** What each key means, with its range and default, is written in jankins.conf. */
export interface DaemonConfig {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly allowPlaintext: boolean
  /** Undefined: the wire is plaintext. */
  readonly tls: TlsConfig | undefined
  readonly requireApproval: boolean
  /** Where Prometheus may ask; port 0: any free one. Undefined: nowhere. */
  readonly metrics: Address | undefined
  /** Also where others than this machine may ask. */
  readonly metricsAllowRemote: boolean
  readonly dataDir: string
  /** Free space on its disk below which new work is refused; 0 refuses none. */
  readonly reserveBytes: number
  /** `buffer`: largest frame that is received after authentication. */
  readonly frameBytesMax: number
  /** Most connection threads, or one for each connection. */
  readonly threads: number | 'per-connection'
  readonly threadHeapBytes: number
  readonly byteBudgetBytes: number
  readonly connectionsMax: number
  readonly connectionsPerAddressMax: number
  readonly connectionsPerUserMax: number
  readonly stallTimeoutMs: number
  readonly frameTimeoutMs: number
  readonly logLevel: LogLevel
  readonly logFormat: LogFormat
  readonly retention: RetentionConfig
}

/** How long logs and artifacts stay; what is missing limits nothing. */
export interface RetentionConfig {
  /** Of each action that has none of its own, and of the jobs without an action. */
  readonly limits: RetentionLimits
  /** By the names of actions. */
  readonly actions: ReadonlyMap<string, RetentionLimits>
}

export interface RetentionLimits {
  /** Since the end of the job. */
  readonly ageMs?: number
  readonly jobsMax?: number
  /** Of logs and artifacts together. */
  readonly bytesMax?: number
}

export interface WorkerServer {
  readonly address: Address
  readonly user: string | undefined
  readonly passwordFile: string | undefined
  /** How the daemon is known, where it is not as `jankins login` keeps it. */
  readonly trust: Trust
  /** Share of the worker's time among several servers. */
  readonly weight: number
}

export interface WorkerConfig {
  /** The host name when missing. */
  readonly name: string | undefined
  /** State directory; $XDG_STATE_HOME/jankins/NAME when missing. */
  readonly dir: string | undefined
  readonly jobs: number
  readonly labels: readonly string[]
  /** Between asks; 0 stays connected and waits for the daemon's answer. */
  readonly pollMs: number
  /** Run each job in a pid namespace of its own, where the machine allows it. */
  readonly pidNamespace: boolean
  /** At least one. */
  readonly servers: readonly WorkerServer[]
}

export interface Config {
  /** The file that was read. */
  readonly path: string | undefined
  readonly daemon: DaemonConfig
  readonly worker: WorkerConfig
}

/** Flags of jankinsd as they were typed; they win over the file. */
export type DaemonFlags = {
  readonly [K in 'host' | 'port' | 'data' | 'buffer' | 'threads' | 'metrics']?: string | undefined
}

/**
 * Reads the file named by `path` (a flag), JANKINS_CONFIG, ./jankins.conf or /etc/jankins/jankins.conf: the first that
 * is named or exists. Without one everything has its default.
 * @throws ConfigError
 */
export function loadConfig(options: {
  readonly path?: string | undefined
  readonly environment: NodeJS.ProcessEnv
  readonly flags?: DaemonFlags
}): Config {
  const { environment, flags = {} } = options
  const named = options.path || environment.JANKINS_CONFIG || undefined
  const found = named === undefined ? firstFile(['jankins.conf', '/etc/jankins/jankins.conf']) : read(named)
  const keys = parseConfig(found?.text ?? '', found?.path ?? 'jankins.conf', flags)
  if (keys.byte_budget < 4 * keys.buffer)
    throw new ConfigError(`byte_budget must be at least 4 times buffer, which is ${formatSize(keys.buffer)}`)
  return { path: found?.path, daemon: daemonConfig(keys, environment), worker: workerConfig(keys.worker) }
}

function daemonConfig(keys: FileKeys, environment: NodeJS.ProcessEnv): DaemonConfig {
  return {
    host: keys.host,
    port: keys.port,
    allowPlaintext: keys.allow_plaintext,
    tls: keys.tls,
    requireApproval: keys.require_approval,
    metrics: keys.metrics,
    metricsAllowRemote: keys.metrics_allow_remote,
    dataDir: keys.data ?? (environment.STATE_DIRECTORY?.split(':')[0] || './data'),
    reserveBytes: keys.reserve,
    frameBytesMax: keys.buffer,
    threads: keys.threads === 'auto' ? threadsFor(availableParallelism()) : keys.threads,
    threadHeapBytes: keys.thread_heap,
    byteBudgetBytes: keys.byte_budget,
    connectionsMax: keys.connections_max,
    connectionsPerAddressMax: keys.connections_per_address,
    connectionsPerUserMax: keys.connections_per_user,
    stallTimeoutMs: keys.stall_timeout,
    frameTimeoutMs: keys.frame_timeout,
    logLevel: keys.log_level,
    logFormat: keys.log_format,
    retention: retentionConfig(keys.retention),
  }
}

/** The main thread and the writer need cores too; what wakes a thread is shared by fewer requests the more there are. */
const threadsFor = (cores: number): number => Math.min(4, Math.max(1, Math.floor(cores / 2)))

function retentionConfig({ action, ...common }: FileKeys['retention']): RetentionConfig {
  const actions = Object.entries(action).map(([name, own]) => {
    const { age = common.age, count = common.count, bytes = common.bytes } = own
    return [name, retentionLimits({ age, count, bytes })] as const
  })
  return { limits: retentionLimits(common), actions: new Map(actions) }
}

/** 0 is no limit. */
const retentionLimits = ({ age, count, bytes }: { age: number; count: number; bytes: number }): RetentionLimits => ({
  ...(age > 0 && { ageMs: age }),
  ...(count > 0 && { jobsMax: count }),
  ...(bytes > 0 && { bytesMax: bytes }),
})

function workerConfig({ name, dir, jobs, labels, poll, pid_namespace, server }: FileKeys['worker']): WorkerConfig {
  const servers = server.map(({ address, user, password_file, weight, ...trust }) => ({
    address,
    user,
    passwordFile: password_file,
    trust: {
      fingerprint: trust.fingerprint,
      caFile: trust.ca,
      plaintext: trust.plaintext,
      certFile: trust.cert,
      keyFile: trust.key,
    },
    weight,
  }))
  return { name, dir, jobs, labels, pollMs: poll, pidNamespace: pid_namespace, servers }
}

function parseConfig(text: string, path: string, flags: DaemonFlags): FileKeys {
  const raw = parseToml(text, path)
  const given = Object.entries(flags).filter(([, value]) => value !== undefined)
  const result = fileKeys.safeParse({ ...raw, ...Object.fromEntries(given.map(([key, value]) => [key, typed(value)])) })
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const keys = [...issue.path.map(String), ...(issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])]
  const [top] = keys
  if (top !== undefined && given.some(([key]) => key === top)) throw new ConfigError(`--${top} ${said(issue)}`)
  const { line, column } = placeOf(text, keys)
  const key = keys.filter(part => !/^\d+$/.test(part)).join('.')
  throw new ConfigError(`${path}:${line}:${column}: ${key} ${said(issue)}`)
}

function parseToml(text: string, path: string): Record<string, unknown> {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [what] = error.message.replace('Invalid TOML document: ', '').split('\n')
    throw new ConfigError(`${path}:${error.line}:${error.column}: ${what}`)
  }
}

function said(issue: core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return 'is not a key that jankins knows'
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input')) return `must be a ${issue.expected}`
  return issue.message
}

/** A flag is text; numbers become what the file would have had. */
const typed = (value: string | undefined): string | number | undefined =>
  value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : value

function firstFile(paths: readonly string[]): { path: string; text: string } | undefined {
  for (const path of paths) {
    try {
      return { path, text: readFileSync(path, 'utf8') }
    } catch (error) {
      if (!isMissing(error)) throw new ConfigError(`cannot read ${path}: ${codeOf(error)}`)
    }
  }
  return undefined
}

function read(path: string): { path: string; text: string } {
  try {
    return { path, text: readFileSync(path, 'utf8') }
  } catch (error) {
    throw new ConfigError(`cannot read ${path}: ${isMissing(error) ? 'there is no such file' : codeOf(error)}`)
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error)
const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR'
