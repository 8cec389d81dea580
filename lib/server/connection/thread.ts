import { parentPort, workerData } from 'node:worker_threads'
import { decodeMessage } from '../../../protocol/message.js'
import { systemClock } from '../../base/clock.js'
import { type LogRecord, recordLog } from '../../base/log.js'
import { openBlobs } from '../../blobs/open.js'
import { openReader } from '../../store/open.js'
import { connectionsByThread } from '../front/counts.js'
import { leaveSlab } from '../front/frame-slabs.js'
import { type AddressedFrame, packFrames, unpackFrames } from '../front/packing.js'
import { sharedLogLevel } from '../log-level.js'
import { sharedLogins } from '../logins.js'
import { countedBlobs } from '../metrics/counted-blobs.js'
import { sharedMetrics } from '../metrics/metrics.js'
import type { FromThread, Opened, ThreadData, ToThread, Verdict } from '../ports.js'
import { createRoom } from '../room.js'
import { createLeaseSlots, createWorkerSlots } from '../shared-slots.js'
import { writerOverPort } from '../writer/port.js'
import type { ConnectionId } from '../writer/writer.js'
import { keptFrame } from './kept-frame.js'
import { createReplySlabs } from './reply-slabs.js'
import type { Services } from './services.js'
import { Session } from './session.js'

/** A connection thread: the sessions of its connections, and what they share. Ends when it is drained and empty. */
const data = workerData as ThreadData
const main = parentPort!
/** Posts at once beyond this: a message is one buffer, and main keeps it while a part of it is unsent. */
const BATCH_BYTES = 256 * 1024

let frames: AddressedFrame[] = []
let frameBytes = 0
let handled = new Map<ConnectionId, number>()
let verdicts: Verdict[] = []
let logs: LogRecord[] = []
let isScheduled: boolean = false
let isDraining: boolean = false
let isDrainTold: boolean = false
let isUpTold: boolean = false

/** See throwForTest. */
const testToken = process.env.JANKINS_TEST_THROW

const slabs = createReplySlabs()
const sessions = new Map<ConnectionId, Session>()
/** Their connections are gone, and something of theirs is still in hand. */
const ending = new Set<Session>()

const log = recordLog(sharedLogLevel(data.logLevel), record => {
  logs.push(record)
  // An error may be the last thing that the thread says.
  if (record.level === 'error') flush()
  else schedule()
})
const store = openReader(data.dataDir)
const blobs = openBlobs(data.dataDir)
const metrics = sharedMetrics(data.metrics)
const services: Services = {
  clock: systemClock,
  log,
  store,
  blobs: countedBlobs(blobs, metrics),
  room: createRoom(data.dataDir, data.reserveBytes, systemClock),
  writer: writerOverPort(data.writer),
  leaseSlots: createLeaseSlots(data.leaseSlots),
  workerSlots: createWorkerSlots(data.workerSlots),
  frameBytesMax: data.frameBytesMax,
  scramSecret: data.scramSecret,
  certificateUsers: data.certificateUsers,
  secretKey: data.secretKey,
  requireApproval: data.requireApproval,
  logins: sharedLogins(data.loginCounters, data.scramSecret),
  metrics,
  startedAtMs: data.startedAtMs,
  threadConnections: () => connectionsByThread(data.connectionCounts),
}

services.writer.onSessionsEnd(end => {
  for (const session of sessions.values()) session.shutOut(end)
})
main.on('message', ({ opened, frames, credits, closed, drain, ping }: ToThread) => {
  for (const peer of opened) open(peer)
  for (const { connection, body } of unpackFrames(frames)) {
    if (testToken) throwForTest(body, testToken)
    const session = sessions.get(connection)
    if (session) session.receive(keptFrame(body))
    else leaveSlab(body)
  }
  for (const [connection, bytes] of credits) {
    slabs.left(connection, bytes)
    sessions.get(connection)?.credit(bytes)
  }
  for (const connection of closed) close(connection)
  if (drain) startDrain()
  if (ping) main.postMessage({ frames: [], handled: [], verdicts: [], pong: true } satisfies FromThread)
  if (isDraining) schedule()
})
schedule()

function open(peer: Opened): void {
  const { connection } = peer
  const output = {
    send(body: Uint8Array) {
      frames.push({ connection, body: slabs.lend(connection, body) })
      frameBytes += body.length
      if (frameBytes >= BATCH_BYTES) flush()
      else schedule()
    },
    lend: slabs.take,
    giveBack: slabs.giveBack,
    done: leaveSlab,
    handled() {
      handled.set(connection, (handled.get(connection) ?? 0) + 1)
      schedule()
    },
    verdict(verdict: Verdict) {
      verdicts.push(verdict)
      schedule()
    },
    idle() {
      ending.delete(session)
      if (isDraining) schedule()
    },
  }
  const session: Session = new Session(services, peer, output)
  sessions.set(connection, session)
  if (isDraining) session.drain()
}

function close(connection: ConnectionId): void {
  slabs.closed(connection)
  const session = sessions.get(connection)
  if (!session) return
  sessions.delete(connection)
  session.close()
  if (!session.idle) ending.add(session)
}

function startDrain(): void {
  isDraining = true
  for (const session of sessions.values()) session.drain()
}

function schedule(): void {
  if (isScheduled) return
  isScheduled = true
  setImmediate(() => {
    isScheduled = false
    flush()
    if (isDraining) checkDrained()
  })
}

function flush(): void {
  if (isUpTold && frames.length + handled.size + verdicts.length + logs.length === 0) return
  const packed = packFrames(frames)
  const message: FromThread = {
    frames: packed.frames,
    handled: [...handled],
    verdicts,
    ...(logs.length > 0 && { logs }),
    ...(!isUpTold && { up: true }),
  }
  isUpTold = true
  frames = []
  frameBytes = 0
  handled = new Map()
  verdicts = []
  logs = []
  main.postMessage(message, packed.transfer)
}

/** Called again by whatever may change the answer: a message of main, or a session that becomes idle. */
function checkDrained(): void {
  const isIdle = ending.size === 0 && [...sessions.values()].every(session => session.idle)
  if (isIdle && !isDrainTold) {
    isDrainTold = true
    main.postMessage({ frames: [], handled: [], verdicts: [], drained: true } satisfies FromThread)
  }
  if (isIdle && sessions.size === 0) void end()
}

let isEnding: boolean = false
async function end(): Promise<void> {
  if (isEnding) return
  isEnding = true
  await blobs.close()
  store.close()
  // With its ports closed the thread has nothing to wait for: what it has posted arrives.
  data.writer.close()
  main.close()
}

/**
 * For tests of what the end of a thread costs: with JANKINS_TEST_THROW=TOKEN in the daemon's environment, a peer whose
 * auth.start names TOKEN as its `client` makes its thread throw where nothing catches it.
 */
function throwForTest(body: Uint8Array, token: string): void {
  if (!Buffer.from(body.buffer, body.byteOffset, body.length).includes(token)) return
  const message = decodeMessage(body)
  if (message.kind !== 'request' || message.method !== 'auth.start') return
  const { client } = message.params as { client?: unknown }
  if (client === token) throw new Error('thrown for a test')
}
