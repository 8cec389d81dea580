import type { Test } from 'tap'
import { type LogRecord, recordLog } from '../../lib/base/log.js'
import { encodeFrame, FrameDecoder } from '../../protocol/frame.js'
import { LIMITS } from '../../protocol/limits.js'
import { encodeRequest } from '../../protocol/message.js'
import { credentialOf } from '../../protocol/scram.js'
import { type KeyLogin, startDaemonInProcess, type TestDaemon } from '../helpers/daemon.js'
import { openPeer, type RawPeer } from '../server/connection/peer.js'
import { randomBody } from './requests.js'
import type { OpenTarget, Target } from './target.js'

const ROLES = ['admin', 'user', 'worker', 'reader'] as const
/** Asked behind the input: its answer shows that the session has dealt with what came before. */
const MARKER = 0xffff_fffe

interface Served {
  readonly daemon: TestDaemon
  /** @throws Error with what the daemon said of a fault of its own */
  check(): void
}

async function serve(t: Test): Promise<Served> {
  const faults: LogRecord[] = []
  const daemon = await startDaemonInProcess(t, { log: recordLog('error', record => faults.push(record)) })
  const check = (): void => {
    const [fault] = faults
    if (fault) throw new Error(`a fault of our own: ${fault.message}\n${fault.stack}`)
  }
  return { daemon, check }
}

/** Frames before the authentication: each is answered until the connection ends. */
export const openEarlySession: OpenTarget = async t => {
  const { daemon, check } = await serve(t)
  return {
    input: random => Buffer.concat(Array.from({ length: random.int(1, 3) }, () => encodeFrame(randomBody(random)))),
    async run(input) {
      const peer = await openPeer(daemon)
      const bodies = framesOf(input)
      for (const body of bodies) peer.frame(body)
      for (const _ of bodies) if ((await peer.next()) === undefined) break
      peer.destroy()
      check()
    },
  }
}

/** Frames after it, from each role: the session goes on, or ends with an answer. */
export const openReadySession: OpenTarget = async t => {
  const { daemon, check } = await serve(t)
  const logins: KeyLogin[] = []
  for (const role of ROLES) logins.push(await daemon.login(role, { user: `fuzz-${role}`, mayExec: role === 'user' }))
  const bystander = await daemon.client('reader')
  let answered = 0
  let closed = 0
  const target: Target = {
    input: random =>
      Buffer.concat([
        encodeFrame(Buffer.from([random.int(0, ROLES.length - 1)])),
        ...Array.from({ length: random.int(1, 6) }, () => encodeFrame(randomBody(random))),
      ]),
    async run(input) {
      const [who, ...bodies] = framesOf(input)
      const peer = await openPeer(daemon)
      const login = logins[(who?.[0] ?? 0) % ROLES.length]!
      const { error } = await peer.authenticate(login)
      // An earlier input has changed the password, which everybody may.
      if (error) await daemon.store.setPassword(login.user, credentialOf(login.keys, login.salt, login.iterations))
      for (const body of bodies) peer.frame(body)
      peer.frame(encodeRequest(MARKER, 'server.status', {}))
      if (await answeredMarker(peer)) answered++
      else closed++
      peer.destroy()
      await bystander.call('server.status', {})
      check()
    },
    said: () => `${answered} answered, ${closed} closed`,
  }
  return target
}

async function answeredMarker(peer: RawPeer): Promise<boolean> {
  for (let message = await peer.next(); message; message = await peer.next()) {
    if (message.kind !== 'reply') throw new Error('the daemon sends replies only')
    if (message.error?.code === 'E_INTERNAL') throw new Error('a peer reached a fault of our own')
    if (message.id === MARKER) return true
  }
  return false
}

function framesOf(stream: Buffer): Buffer[] {
  const decoder = new FrameDecoder(LIMITS.frameBytesMax.value)
  decoder.push(stream)
  const bodies: Buffer[] = []
  for (let body = decoder.next(); body; body = decoder.next()) bodies.push(body)
  return bodies
}
