import type { JankinsError } from '../../../protocol/errors.js'
import type { Params } from '../../../protocol/methods.js'
import { type AuditEntry, entryText } from '../../audit/line.js'
import type { Call } from './call.js'
import type { HandledMethod, Request } from './request.js'

/**
 * Every request that changes something, and the fields that its line tells: none that may hold a secret, so neither
 * commands nor environments nor parameters. Left out are requests of which the end has a line: the bytes of a bundle (the
 * job that takes it names it) and of a log (job.finish), offers that nobody took (job.claim, job.decline), and what a
 * worker does with the job that it has acknowledged (job.resume, job.started).
 */
const AUDITED: { readonly [M in HandledMethod]?: readonly (keyof Params<M>)[] } = {
  'user.add': ['user', 'role', 'mayExec'],
  'user.disable': ['user'],
  'user.enable': ['user'],
  'user.delete': ['user'],
  'user.passwd': ['user', 'endSessions'],
  'invite.add': ['role', 'holdsMs'],
  'invite.revoke': ['invite'],
  'action.add': ['action', 'replace', 'labels', 'allow'],
  'action.enable': ['action'],
  'action.disable': ['action'],
  'secret.set': ['action', 'secret'],
  'secret.remove': ['action', 'secret'],
  'job.queue': ['action', 'key', 'count', 'priority', 'bundle'],
  'job.exec': ['key', 'labels', 'bundle'],
  'job.retry': ['job', 'key'],
  'job.stop': ['job'],
  'job.pin': ['job'],
  'job.unpin': ['job'],
  'worker.attach': ['worker', 'instance', 'labels', 'slots'],
  'worker.drain': ['worker'],
  'worker.undrain': ['worker'],
  'job.acknowledge': ['job'],
  'job.finish': ['job', 'exitCode', 'signal', 'reason'],
}

export const isAudited = (method: string): boolean => Object.hasOwn(AUDITED, method)

/**
 * Notes a request that is about to be done. What its handler asks of the writer behind this is committed no sooner than
 * the line is written, so a change without a line cannot be, whenever the daemon ends.
 * @returns resolves when the line is written; undefined for a request that has none
 */
export function noteRequest<M extends HandledMethod>(
  method: M,
  params: Params<M>,
  { id }: Request,
  call: Call,
): Promise<void> | undefined {
  const fields = AUDITED[method]
  if (!fields) return undefined
  const told: { [F in keyof Params<M>]?: Params<M>[F] } = {}
  for (const field of fields) told[field] = params[field]
  const { caller, address, connection } = call.session
  const { user, role } = caller
  const entry: AuditEntry = { user, role, address, connection, method, request: id, params: told }
  return call.services.writer.noteRequest(entryText(entry))
}

/** Takes back, as it were, what was noted: the request was refused, or failed. */
export function noteRefusal({ method, id }: Request, { code }: Pick<JankinsError, 'code'>, call: Call): void {
  if (!isAudited(method)) return
  const { services, session } = call
  const { writer, log } = services
  const { caller, address, connection } = session
  writer
    .noteRefusal({ user: caller.user, role: caller.role, address, connection, method, request: id, refused: code })
    .catch(error => log.error('a refusal is missing in the audit log', { method, code }, error))
}
