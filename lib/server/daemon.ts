import { isDeepStrictEqual } from 'node:util'
import { systemClock } from '../base/clock.js'
import type { DaemonConfig } from '../base/config.js'
import type { LogRecord } from '../base/log.js'
import type { ProgramLog } from '../base/log-output.js'
import type { TlsConfig } from '../base/tls-keys.js'
import type { Address } from '../base/wire.js'
import { openReader } from '../store/open.js'
import { createCounts } from './front/counts.js'
import { type DataDirectory, takeDataDirectory } from './front/data-directory.js'
import { makeFirstAdmin } from './front/first-admin.js'
import { Front } from './front/front.js'
import { inheritedFd, listen } from './front/listener.js'
import type { MetricsServer } from './front/metrics-server.js'
import { reloadedConfig } from './front/reload.js'
import type { Vitals } from './front/systemd.js'
import { ThreadPool } from './front/threads.js'
import { loadTls } from './front/tls-material.js'
import { connectionThreads, startWriterThread, type WriterThread } from './front/workers.js'
import { createLogLevel, setLogLevel } from './log-level.js'
import { createLoginCounters } from './logins.js'
import { gaugesOf } from './metrics/gauges.js'
import { sharedMetrics } from './metrics/metrics.js'
import { formatMetrics } from './metrics/text.js'
import type { ThreadData } from './ports.js'
import { createLeaseSlots, createWorkerSlots } from './shared-slots.js'
import { writerOverPort } from './writer/port.js'

/** After this what does not end by itself is ended: with the rest of the stop it stays below 5 s. */
const DRAIN_MS = 4_000
const clock = systemClock

export interface Daemon {
  /** With the port that was really taken. */
  readonly address: Address
  /** Resolves when every thread has answered. */
  look(): Promise<Vitals>
  /** Takes over what can be taken over while it runs, and says in the log what was changed and what needs a restart. */
  reload(config: DaemonConfig): void
  /** Of its certificate, as clients pin it; undefined without TLS. */
  readonly fingerprint: string | undefined
  /** Where Prometheus may ask; undefined: nowhere. */
  readonly metrics: string | undefined
  /** Refuses new connections, answers what is in hand, ends; resolves within 5 s. */
  stop(): Promise<void>
}

/**
 * Starts the whole daemon in this process. `onDeath` is called when the writer thread dies: nothing can go on then.
 * @throws StartError that says what to do
 */
export async function startDaemon(
  config: DaemonConfig,
  log: ProgramLog,
  onDeath: (error: unknown) => void = endProcess(log),
): Promise<Daemon> {
  const directory = takeDataDirectory(config.dataDir)
  const undo: (() => void)[] = [directory.release]
  try {
    return await start(config, directory, log, onDeath, undo)
  } catch (error) {
    for (const step of undo.reverse()) step()
    throw error
  }
}

async function start(
  config: DaemonConfig,
  directory: DataDirectory,
  log: ProgramLog,
  onDeath: (error: unknown) => void,
  undo: (() => void)[],
): Promise<Daemon> {
  const tls = config.tls && loadTls(config.tls, directory.path, clock.nowMs())
  const onLogs = (logs: readonly LogRecord[]): void => logs.forEach(log.write)
  const logLevel = createLogLevel(config.logLevel)
  const metrics = sharedMetrics()
  const shared = {
    dataDir: directory.path,
    reserveBytes: config.reserveBytes,
    leaseSlots: createLeaseSlots().buffer,
    workerSlots: createWorkerSlots().buffer,
    metrics: metrics.buffer,
    logLevel,
  }
  const writer = await startWriterThread({
    data: { ...shared, daemon: directory.daemon, retention: config.retention },
    onLogs,
    onDeath,
  })
  undo.push(writer.terminate)

  const startedAtMs = clock.nowMs()
  const counts = createCounts()
  const data: Omit<ThreadData, 'thread' | 'writer'> = {
    ...shared,
    frameBytesMax: config.frameBytesMax,
    connectionCounts: counts,
    scramSecret: directory.scramSecret,
    certificateUsers: config.tls?.clients?.users,
    secretKey: directory.secretKey,
    requireApproval: config.requireApproval,
    loginCounters: createLoginCounters(),
    startedAtMs,
  }
  const { threads } = config
  const startThread = connectionThreads(config, data, writer)
  const pool = new ThreadPool({ start: startThread, threads, counts: new Int32Array(counts), clock, log, onLogs })
  undo.push(() => pool.terminate())
  await Promise.all([firstAdmin(directory, writer, log), pool.warmUp()])
  const front = new Front({ config, tls, pool, clock, log, metrics })
  undo.push(() => front.stop())
  const listener = await listen({
    host: config.host,
    port: config.port,
    allowPlaintext: config.allowPlaintext,
    isEncrypted: tls !== undefined,
    fd: inheritedFd(process.env, process.pid),
    onSocket: socket => front.accept(socket),
  })
  undo.push(() => listener.close())
  const page = await metricsPage(config, log, async () => {
    const now = { ...(await writer.ping()), connections: front.connectionCount, startedAtMs }
    return formatMetrics(metrics, gaugesOf(now))
  })
  let running = config
  let material = tls
  /** The files may be others by now: certificates are for weeks only. */
  const renewCertificate = (from: TlsConfig): boolean => {
    try {
      const read = loadTls(from, directory.path, clock.nowMs())
      if (isDeepStrictEqual(read, material)) return false
      front.useTls(read)
      material = read
      log.info('the certificate was read again', { fingerprint: read.fingerprint })
    } catch (error) {
      log.error('the certificate was not taken over, the one before holds', { reason: (error as Error).message })
    }
    return true
  }
  return {
    address: listener.address,
    async look() {
      const [{ pending, running }] = await Promise.all([writer.ping(), pool.ping()])
      return { connections: front.connectionCount, pending, running }
    },
    reload(read) {
      const { config, changes } = reloadedConfig(running, read)
      running = config
      log.configure({ level: config.logLevel, format: config.logFormat })
      setLogLevel(logLevel, config.logLevel)
      front.configure(config)
      writer.configure(config.retention)
      for (const { name, at } of changes)
        if (at === 'reload') log.info('a key of the configuration was changed', { key: name })
        else log.warn('a key of the configuration was changed, and needs a restart', { key: name })
      const isRenewed = config.tls !== undefined && renewCertificate(config.tls)
      if (changes.length === 0 && !isRenewed) log.info('the configuration was read again: nothing was changed')
    },
    fingerprint: tls?.fingerprint,
    metrics: page?.url,
    async stop() {
      page?.close()
      listener.close()
      await withinDrainTime(drain(pool, front, writer), log)
      front.stop()
      pool.terminate()
      writer.terminate()
      directory.release()
    },
  }
}

/** Whoever has no metrics loads no HTTP. */
async function metricsPage(
  { metrics: address, metricsAllowRemote: allowRemote }: DaemonConfig,
  log: ProgramLog,
  render: () => Promise<string>,
): Promise<MetricsServer | undefined> {
  if (!address) return undefined
  const { serveMetrics } = await import('./front/metrics-server.js')
  return serveMetrics({ address, allowRemote, log, render })
}

async function firstAdmin(directory: DataDirectory, writer: WriterThread, log: ProgramLog): Promise<void> {
  const reader = openReader(directory.path)
  const port = writer.link(0)
  try {
    const passwordFile = await makeFirstAdmin(directory.path, reader, writerOverPort(port), clock.nowMs())
    if (passwordFile) log.info('made the first user, admin', { passwordFile })
  } finally {
    port.close()
    reader.close()
  }
}

/** What was asked is answered and sent before anything ends; then the threads end, and the writer last. */
async function drain(pool: ThreadPool, front: Front, writer: WriterThread): Promise<void> {
  await pool.drain()
  await front.closeAll()
  await pool.end()
  await writer.stop()
}

async function withinDrainTime(draining: Promise<void>, log: ProgramLog): Promise<void> {
  let isLate: boolean = false
  await new Promise<void>((resolve, reject) => {
    const timer = clock.after(DRAIN_MS, () => {
      isLate = true
      resolve()
    })
    draining.then(resolve, reject).finally(() => timer.cancel())
  })
  if (isLate) log.warn('stopped with work still in hand', { afterMs: DRAIN_MS })
}

function endProcess(log: ProgramLog): (error: unknown) => void {
  return error => {
    log.error('the writer thread died; the daemon ends, to be started anew', {}, error)
    process.exit(1)
  }
}
