import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { openAuditLog } from '../../lib/audit/audit-log.js'
import type { Clock } from '../../lib/base/clock.js'
import { type Log, silentLog } from '../../lib/base/log.js'
import type { Address, Dial, Wire } from '../../lib/base/wire.js'
import type { Blobs } from '../../lib/blobs/blobs.js'
import { openBlobs } from '../../lib/blobs/open.js'
import type { Login } from '../../lib/client/authenticate.js'
import { type Client, connect } from '../../lib/client/connection.js'
import type { Services } from '../../lib/server/connection/services.js'
import type { Session } from '../../lib/server/connection/session.js'
import { createLoginCounters, sharedLogins } from '../../lib/server/logins.js'
import { countedBlobs } from '../../lib/server/metrics/counted-blobs.js'
import { sharedMetrics } from '../../lib/server/metrics/metrics.js'
import { createLeaseSlots, createWorkerSlots } from '../../lib/server/shared-slots.js'
import { createWriter } from '../../lib/server/writer/create.js'
import type { Writer } from '../../lib/server/writer/writer.js'
import { openReader, openStore } from '../../lib/store/open.js'
import type { Store } from '../../lib/store/store.js'
import type { Role } from '../../protocol/fields.js'
import { type Name, parseName } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import { credentialOf, deriveKeys } from '../../protocol/scram.js'
import { FakeClock, until } from './clock.js'
import { recordingDial } from './exercised.js'
import { serveWire } from './memory-front.js'
import { memoryPair } from './memory-net.js'

/** A login that costs no PBKDF2 on each connection. */
export type KeyLogin = Extract<Login, { keys: unknown }>

export interface TestDaemon<C extends Clock = FakeClock> {
  /** The host that is dialled is that of the peer: what is not loopback counts as a line that others can read. */
  readonly dial: Dial
  readonly address: Address
  readonly clock: C
  readonly dataDir: string
  readonly store: Store
  readonly blobs: Blobs
  readonly writer: Writer
  readonly services: Services
  /** Sessions that have not ended, by connection. */
  readonly sessions: ReadonlyMap<number, Session>
  /** Makes an account with few PBKDF2 rounds; without a user its name is the role and a number. */
  login(role: Role, options?: { readonly user?: string; readonly mayExec?: boolean }): Promise<KeyLogin>
  /** An authenticated connection as a new account, or with a login that was made before. Closed with the test. */
  client(who: Role | Login): Promise<Client>
  /** Ends as a daemon ends that is asked to: closes every connection, then its parts. The test's end does it too. */
  stop(): Promise<void>
}

export interface TestDaemonOptions<C extends Clock> {
  readonly clock?: C
  readonly dataDir?: string
  readonly log?: Log
  readonly frameBytesMax?: number
  readonly requireApproval?: boolean
  readonly blobs?: (blobs: Blobs) => Blobs
  readonly writer?: (writer: Writer) => Writer
}

/**
 * A whole daemon in this process, without threads and sockets: the real store, files, writer, sessions and handlers.
 * At the end of the test nothing may be left: no open session, no parked request, no timer of a fake clock.
 */
export async function startDaemonInProcess<C extends Clock = FakeClock>(
  t: Test,
  options: TestDaemonOptions<C> = {},
): Promise<TestDaemon<C>> {
  // The default of C is the class that stands in when no clock is given.
  const clock = options.clock ?? (new FakeClock() as Clock as C)
  const dataDir = options.dataDir ?? t.testdir()
  const parts = await openParts(dataDir, clock, options)
  const sessions = new Map<number, Session>()
  const wires = new Set<Wire>()
  let connections = 0

  const dial: Dial = async ({ host }) => {
    const [near, far] = memoryPair()
    const connection = ++connections
    wires.add(near)
    const session = serveWire(far, parts.services, { connection, address: `${host}:${connection}` }, () => {
      sessions.delete(connection)
      wires.delete(near)
    })
    sessions.set(connection, session)
    return near
  }
  const address = { host: '127.0.0.1', port: 5265 }
  parts.services.writer.onSessionsEnd(end => {
    for (const session of sessions.values()) session.shutOut(end)
  })
  const login = createLogins(parts.store, clock)
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopped ??= end(parts, sessions, wires, clock)
    return stopped
  }
  t.teardown(stop)
  return {
    ...{ dial: recordingDial(dial), address, clock, dataDir, sessions, login, stop },
    ...{ store: parts.store, blobs: parts.services.blobs, writer: parts.services.writer, services: parts.services },
    async client(who) {
      const as = typeof who === 'string' ? await login(who) : who
      return await connect({ dial: recordingDial(dial), address, login: as, clock })
    },
  }
}

interface Parts {
  readonly store: Store
  readonly services: Services
  close(): Promise<void>
}

async function openParts<C extends Clock>(dataDir: string, clock: C, options: TestDaemonOptions<C>): Promise<Parts> {
  const log = options.log ?? silentLog
  const audit = openAuditLog(dataDir, clock, log)
  const store = openStore(dataDir, log, { beforeCommit: () => audit.write() })
  const reader = openReader(dataDir)
  const files = openBlobs(dataDir, clock)
  const blobs = options.blobs?.(files) ?? files
  const leaseSlots = createLeaseSlots()
  const workerSlots = createWorkerSlots()
  const metrics = sharedMetrics()
  const written = await createWriter({
    ...{ store, leaseSlots, workerSlots, clock, log, audit, metrics },
    daemon: 'test',
    endParts: (job, attempt) => blobs.endParts({ job, attempt }),
  })
  const scramSecret = randomBytes(32)
  const services: Services = {
    ...{ clock, log, store: reader, leaseSlots, workerSlots, metrics },
    blobs: countedBlobs(blobs, metrics),
    writer: options.writer?.(written) ?? written,
    frameBytesMax: options.frameBytesMax ?? LIMITS.frameBytesDefault.value,
    scramSecret,
    secretKey: randomBytes(32),
    logins: sharedLogins(createLoginCounters(), scramSecret),
    requireApproval: options.requireApproval ?? false,
    startedAtMs: clock.nowMs(),
    threadConnections: () => [{ thread: 0, connections: 0 }],
  }
  return {
    store,
    services,
    async close() {
      written.stop()
      await files.close()
      reader.close()
      store.close()
      audit.close()
    },
  }
}

function createLogins(store: Store, clock: Clock): TestDaemon['login'] {
  let made = 0
  return async (role, options = {}) => {
    const user = parseName(options.user ?? `${role}-${++made}`) as Name
    const salt = randomBytes(16)
    const iterations = LIMITS.scramIterationsMin.value
    const keys = await deriveKeys(`password of ${user}`, salt, iterations)
    await store.addUser(user, role, options.mayExec ?? false, credentialOf(keys, salt, iterations), clock.nowMs())
    return { user, salt, iterations, keys }
  }
}

/** Runs when the test is over, too late for its assertions: a leak throws, which fails the test. */
async function end(
  parts: Parts,
  sessions: ReadonlyMap<number, Session>,
  wires: ReadonlySet<Wire>,
  clock: Clock,
): Promise<void> {
  const ended = [...sessions.values()]
  for (const wire of [...wires]) wire.destroy()
  await until(() => ended.every(session => session.idle), 'no request is in hand')
  const { claimsParked } = await parts.services.writer.counters()
  await parts.close()
  const timers = clock instanceof FakeClock ? clock.pendingCount : 0
  const left = { sessions: sessions.size, claimsParked, timers }
  if (Object.values(left).some(count => count !== 0)) throw new Error(`left behind: ${JSON.stringify(left)}`)
}
