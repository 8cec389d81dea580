import { randomBytes } from 'node:crypto'
import { JankinsError } from '../../../protocol/errors.js'
import { LIMITS } from '../../../protocol/limits.js'
import { encodeErrorReply, encodeReply, encodeReplyAround } from '../../../protocol/message.js'
import { METHODS, type Params, type Result } from '../../../protocol/methods.js'
import { check, type Schema } from '../../../protocol/schema.js'
import { AssertionError, assert } from '../../base/assert.js'
import { noteRefusal, noteRequest } from './audited.js'
import type { Call } from './call.js'
import { HANDLERS, WHILE_DRAINING } from './handlers.js'
import { permitted } from './permissions.js'
import { boundedText, type HandledMethod, type Request } from './request.js'
import type { Peer, Services } from './services.js'

export interface Answer {
  /** Body of the reply's frame. */
  readonly body: Uint8Array
  /** Our own fault: the session is closed behind the reply. */
  readonly fatal: boolean
}

/** Answers one request of a ready session. Never rejects: this is the only try and catch around handlers. */
export async function dispatch(request: Request, call: Call, draining: boolean): Promise<Answer> {
  try {
    const method = permitted(request.method, call.session.caller.role)
    if (draining && !WHILE_DRAINING.has(method)) throw new JankinsError('E_DRAINING')
    const result = await run(method, request, call)
    const { taken } = call.memory
    const body = (taken && encodeReplyAround(request.id, result, taken)) ?? encodeReply(request.id, result)
    assert(body.length <= LIMITS.replyBytesMax.value, `a reply of ${request.method} has ${body.length} bytes`)
    return { body, fatal: false }
  } catch (error) {
    noteRefusal(request, error instanceof JankinsError ? error : { code: 'E_INTERNAL' }, call)
    if (error instanceof JankinsError && error.code !== 'E_INTERNAL')
      return { body: encodeErrorReply(request.id, error), fatal: false }
    const peer = { connection: call.session.connection, address: call.session.address }
    return { body: ownFault(request, error, call.services, peer), fatal: true }
  }
}

/** Logs our own fault under a fresh incident id; returns the reply that names it and tells nothing else. */
export function ownFault(request: Request, error: unknown, services: Services, peer: Peer): Uint8Array {
  const incident = randomBytes(8).toString('hex')
  services.log.error(
    'a request failed inside the daemon',
    { incident, method: boundedText(request.method), connection: peer.connection },
    error,
  )
  return encodeErrorReply(request.id, new JankinsError('E_INTERNAL', { incident }))
}

async function run<M extends HandledMethod>(method: M, request: Request, call: Call): Promise<Result<M>> {
  const handler = HANDLERS[method]
  const schema = METHODS[method]
  const params = check(schema.params as Schema<Params<M>>, request.params)
  // Fields that no schema knows take up to 64 times their bytes, and a request may wait for a minute.
  request.params = undefined
  const noted = noteRequest(method, params, request, call)
  // A handler that throws goes first.
  noted?.catch(() => {})
  const result = await handler(params, call)
  await noted
  return checkResult(schema.result as Schema<Result<M>>, result, method)
}

/** A result that its schema refuses is our own fault, and the refusal must not look like the peer's. */
function checkResult<T>(schema: Schema<T>, result: T, method: string): T {
  try {
    return check(schema, result)
  } catch (error) {
    throw new AssertionError(`the result of ${method} does not fit its schema`, { cause: error })
  }
}
