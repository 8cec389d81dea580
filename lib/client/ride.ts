import { LIMITS } from '../../protocol/limits.js'
import { encodeRequest } from '../../protocol/message.js'
import type { Method, Params } from '../../protocol/methods.js'

/**
 * What tells nothing that only the daemon may know: names, ids, labels, keys of requests. Commands, environments,
 * passwords and bytes of files are for a daemon that has proven itself.
 */
const OPEN: ReadonlySet<Method> = new Set([
  'user.list',
  'user.disable',
  'user.enable',
  'user.delete',
  'invite.list',
  'invite.revoke',
  'action.list',
  'action.enable',
  'action.disable',
  'job.queue',
  'job.retry',
  'job.query',
  'job.wait',
  'job.log',
  'job.stop',
  'artifact.read',
  'worker.attach',
  'worker.list',
  'server.status',
])
const ID_MAX = 2 ** 32 - 1

/** Whether a request may be sent behind the client's last message of the authentication. PROTOCOL.md §5. */
export function mayRide<M extends Method>(method: M, params: Params<M>): boolean {
  if (!OPEN.has(method) || hasParameters(params)) return false
  return encodeRequest(ID_MAX, method, params).length <= LIMITS.frameBytesBeforeAuth.value
}

/** Parameters of a job may be anything, a token too. */
const hasParameters = (params: object): boolean =>
  'parameters' in params && Array.isArray(params.parameters) && params.parameters.length > 0
