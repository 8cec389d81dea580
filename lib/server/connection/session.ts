import { JankinsError } from '../../../protocol/errors.js'
import { LIMITS } from '../../../protocol/limits.js'
import { decodeMessage, encodeErrorReply, encodeReply, type Message } from '../../../protocol/message.js'
import { NOTICES } from '../../../protocol/methods.js'
import { check } from '../../../protocol/schema.js'
import { assert } from '../../base/assert.js'
import type { Attempt } from '../logins.js'
import { hostOf, isLoopback } from '../network.js'
import type { SessionsEnd } from '../writer/shut-out.js'
import { finishAuth, logFailedLogin, type Proof, startAuth } from './auth.js'
import { type Caller, Cancellation, ReplyMemory, type SessionFacts } from './call.js'
import { Credit } from './credit.js'
import { dispatch, ownFault } from './dispatch.js'
import { register } from './register.js'
import type { Request } from './request.js'
import type { Peer, Services, SessionOutput } from './services.js'

/** Id of an error reply that answers no request. PROTOCOL.md §4. */
const NO_REQUEST = 0

type Phase =
  | { readonly kind: 'greeting' }
  | { readonly kind: 'proof'; readonly proof: Proof }
  /** A step of the authentication is under way: the peer has to wait for its reply. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'ready'; readonly facts: SessionFacts }
  | { readonly kind: 'closed' }

/**
 * One connection from its first frame to its end: greeting, proof, ready. Knows no socket: frames come in by
 * `receive`, everything it says goes to its SessionOutput. Before it is ready each frame is answered with a verdict,
 * and the next one is expected only after that.
 */
export class Session {
  readonly #services: Services
  readonly #peer: Peer
  readonly #output: SessionOutput
  readonly #credit = new Credit()
  /** Frames that wait for credit; main lets in no more than LIMITS.pipelinedMax. */
  readonly #queue: Uint8Array[] = []
  readonly #calls = new Map<number, Cancellation>()
  #phase: Phase = { kind: 'greeting' }
  #draining: boolean = false

  constructor(services: Services, peer: Peer, output: SessionOutput) {
    this.#services = services
    this.#peer = peer
    this.#output = output
  }

  /** Nothing is in hand: every frame that came was dealt with. */
  get idle(): boolean {
    return this.#queue.length === 0 && this.#calls.size === 0 && this.#phase.kind !== 'busy'
  }

  /** Takes the body of one frame, which is the session's own from now on. */
  receive(body: Uint8Array): void {
    const phase = this.#phase
    if (phase.kind === 'greeting' || phase.kind === 'proof') {
      this.#receiveEarly(body, phase)
      return
    }
    if (phase.kind === 'busy') this.#refuse(NO_REQUEST, new JankinsError('E_NOT_AUTHENTICATED'))
    if (phase.kind !== 'ready') {
      this.#output.done?.(body)
      return
    }
    this.#queue.push(body)
    this.#takeUp()
  }

  /** The peer has read `bytes` more of what was sent. */
  credit(bytes: number): void {
    this.#credit.add(bytes)
    this.#takeUp()
  }

  /** Answers what is parked, and refuses new work from now on. */
  drain(): void {
    this.#draining = true
    for (const cancellation of this.#calls.values()) cancellation.cancel('E_DRAINING')
  }

  /** Ends the session if it is one of those; what has not proven itself yet finds out by failing to. */
  shutOut({ user, code, except }: SessionsEnd): void {
    const phase = this.#phase
    if (phase.kind === 'ready' && phase.facts.caller.user === user && this.#peer.connection !== except)
      this.#refuse(NO_REQUEST, new JankinsError(code))
    if (phase.kind === 'proof' && phase.proof.account?.user === user)
      this.#phase = { kind: 'proof', proof: { ...phase.proof, account: undefined } }
  }

  /** The connection is gone: what it parked goes with it, and nothing more is said. */
  close(): void {
    const before = this.#phase
    this.#phase = { kind: 'closed' }
    for (const body of this.#queue.splice(0)) this.#output.done?.(body)
    this.#credit.close()
    for (const cancellation of this.#calls.values()) cancellation.cancel('E_CANCELLED')
    if (before.kind !== 'ready' || !before.facts.isKnown) return
    const { writer, log } = this.#services
    const { connection } = this.#peer
    writer
      .connectionClosed(connection)
      .catch(error => log.error('the writer did not hear of an end', { connection }, error))
  }

  #receiveEarly(body: Uint8Array, phase: Extract<Phase, { kind: 'greeting' | 'proof' }>): void {
    const request = this.#decodeRequest(body)
    if (!request) return
    const expected = phase.kind === 'greeting' ? 'auth.start' : 'auth.finish'
    const isRegistration = phase.kind === 'greeting' && request.method === 'user.register'
    if (request.method !== expected && !isRegistration) {
      this.#refuse(request.id, new JankinsError('E_NOT_AUTHENTICATED', { expected }))
      return
    }
    this.#phase = { kind: 'busy' }
    const step = isRegistration ? this.#register(request) : this.#step(request, phase)
    void step.catch(error => this.#failAuth(request, phase, error)).then(() => this.#tellIdle())
  }

  #step(request: Request, phase: Extract<Phase, { kind: 'greeting' | 'proof' }>): Promise<void> {
    return phase.kind === 'greeting' ? this.#greet(request) : this.#prove(request, phase.proof)
  }

  /** The authentication may follow on the same connection. */
  async #register(request: Request): Promise<void> {
    const result = await register(request, this.#services, this.#peer)
    if (this.#phase.kind !== 'busy') return
    this.#phase = { kind: 'greeting' }
    this.#say(encodeReply(request.id, result))
    this.#output.verdict({ connection: this.#peer.connection, kind: 'more' })
  }

  async #greet(request: Request): Promise<void> {
    const { result, proof } = await startAuth(request.params, this.#peer, this.#services)
    if (this.#phase.kind !== 'busy') return
    this.#phase = { kind: 'proof', proof }
    this.#say(encodeReply(request.id, result))
    this.#output.verdict({ connection: this.#peer.connection, kind: 'more' })
  }

  async #prove(request: Request, proof: Proof): Promise<void> {
    const { clock, logins } = this.#services
    const finish = () => finishAuth(request.params, proof, this.#services)
    // A certificate cannot be guessed: who guesses at the password must not keep its owner out.
    const { result, caller } =
      proof.kind === 'certificate'
        ? finish()
        : judge(logins.begin(proof.user, this.#peer.address, clock.monotonicMs()), finish)
    this.#phase = { kind: 'ready', facts: this.#factsOf(caller) }
    this.#say(encodeReply(request.id, result))
    const { frameBytesMax } = this.#services
    const { connection } = this.#peer
    this.#output.verdict({ connection, kind: 'ready', frameBytesMax, user: caller.user })
  }

  #factsOf(caller: Caller): SessionFacts {
    const { connection, address, tls } = this.#peer
    const isPrivate = tls !== undefined || isLoopback(hostOf(address))
    const nothing = { attachment: undefined, isKnown: false, waitCount: 0, lastWait: 0 }
    return { connection, address, caller, isPrivate, leases: new Map(), ...nothing }
  }

  #failAuth(request: Request, phase: Phase, error: unknown): void {
    if (this.#phase.kind === 'closed') return
    if (error instanceof JankinsError && error.code !== 'E_INTERNAL') {
      const user = phase.kind === 'proof' ? phase.proof.user : undefined
      logFailedLogin(this.#services, this.#peer, request.method, user, error)
      this.#refuse(request.id, error)
    } else this.#end(ownFault(request, error, this.#services, this.#peer))
  }

  /** Undefined when the frame was no request and the connection was refused for it. */
  #decodeRequest(body: Uint8Array): Request | undefined {
    const message = this.#decode(body)
    if (message?.kind === 'request') return message
    if (message) this.#refuse(NO_REQUEST, new JankinsError('E_NOT_AUTHENTICATED'))
    return undefined
  }

  #decode(body: Uint8Array): Message | undefined {
    try {
      return decodeMessage(body)
    } catch (error) {
      if (error instanceof JankinsError) this.#refuse(NO_REQUEST, error)
      else this.#end(ownFault({ id: NO_REQUEST, method: '', params: {} }, error, this.#services, this.#peer))
      return undefined
    }
  }

  #takeUp(): void {
    while (this.#credit.isPositive && this.#phase.kind === 'ready') {
      const body = this.#queue.shift()
      if (!body) return
      this.#take(body, this.#phase.facts)
    }
  }

  #take(body: Uint8Array, facts: SessionFacts): void {
    const done = (): void => this.#output.done?.(body)
    const message = this.#decode(body)
    if (message?.kind === 'request') {
      this.#answer(message, facts, done)
      return
    }
    if (message?.kind === 'notice') {
      this.#notice(message.method, message.params)
      this.#output.handled()
    }
    if (message?.kind === 'reply')
      this.#refuse(NO_REQUEST, new JankinsError('E_BAD_FRAME', { reason: 'a reply to no request' }))
    done()
  }

  /** Unknown notices, and misshapen ones, are ignored: they have no answer. */
  #notice(method: string, params: unknown): void {
    if (method !== 'request.cancel') return
    try {
      const { request } = check(NOTICES['request.cancel'].params, params)
      this.#calls.get(request)?.cancel('E_CANCELLED')
    } catch (error) {
      assert(error instanceof JankinsError, 'a check throws nothing else')
    }
  }

  /** @param done to be called when nothing of the request is needed any more */
  #answer(request: Request, facts: SessionFacts, done: () => void): void {
    const refusal = this.#refusalOf(request)
    if (refusal) {
      done()
      this.#say(encodeErrorReply(request.id, refusal))
      return
    }
    const cancellation = new Cancellation()
    this.#calls.set(request.id, cancellation)
    const account = this.#credit.open()
    const memory = new ReplyMemory(this.#output)
    const call = { services: this.#services, session: facts, cancellation, reserve: account.reserve, memory }
    void dispatch(request, call, this.#draining).then(answer => {
      this.#calls.delete(request.id)
      account.close()
      if (this.#phase.kind !== 'closed') {
        if (answer.fatal) this.#end(answer.body)
        else this.#say(answer.body)
      }
      if (memory.taken) this.#output.giveBack?.(memory.taken)
      done()
      this.#takeUp()
      this.#tellIdle()
    })
  }

  #refusalOf(request: Request): JankinsError | undefined {
    if (this.#calls.size >= LIMITS.pipelinedMax.value)
      return new JankinsError('E_TOO_MANY', { requests: LIMITS.pipelinedMax.value })
    if (this.#calls.has(request.id))
      return new JankinsError('E_BAD_REQUEST', { field: 'id', expected: 'of no request that is not answered yet' })
    return undefined
  }

  #say(body: Uint8Array): void {
    this.#credit.spend(body.length)
    this.#output.send(body)
  }

  #tellIdle(): void {
    if (this.idle) this.#output.idle?.()
  }

  #refuse(id: number, error: JankinsError): void {
    this.#end(encodeErrorReply(id, error))
  }

  /** Says one last thing; main closes the connection when it has left. */
  #end(body: Uint8Array): void {
    if (this.#phase.kind === 'closed') return
    this.#say(body)
    this.close()
    this.#output.verdict({ connection: this.#peer.connection, kind: 'close' })
  }
}

function judge<T>(login: Attempt, finish: () => T): T {
  try {
    const result = finish()
    login.succeeded()
    return result
  } catch (error) {
    if (error instanceof JankinsError && error.code === 'E_AUTH') login.failed()
    throw error
  }
}
