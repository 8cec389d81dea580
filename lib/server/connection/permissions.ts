import { JankinsError } from '../../../protocol/errors.js'
import type { Role } from '../../../protocol/fields.js'
import type { JobId, Name } from '../../../protocol/ids.js'
import { isMethod, METHODS } from '../../../protocol/methods.js'
import type { Call } from './call.js'
import { type BeforeAuth, boundedText, type HandledMethod } from './request.js'

/**
 * Who may do what, in one place: what is not granted here is refused. First the role, by the table of methods; then what
 * a role may do to its own only. Who may queue jobs of an action is up to the action: mayQueue in domain/action.ts.
 */

/** @throws JankinsError E_UNKNOWN_METHOD, E_FORBIDDEN */
export function permitted(method: string, role: Role): HandledMethod {
  if (!isMethod(method)) throw new JankinsError('E_UNKNOWN_METHOD', { method: boundedText(method) })
  const roles: readonly string[] = METHODS[method].roles
  if (!roles.includes(role)) throw new JankinsError('E_FORBIDDEN', { method, role })
  // No role is granted what comes before authentication.
  return method as Exclude<typeof method, BeforeAuth>
}

/** Commands of one's own choosing: admins, and accounts that an admin allowed it. @throws JankinsError E_FORBIDDEN */
export function mayExec({ session: { caller } }: Call): void {
  if (caller.role !== 'admin' && !caller.mayExec) throw new JankinsError('E_FORBIDDEN', { method: 'job.exec' })
}

/** Users stop their own jobs, admins any. @throws JankinsError E_FORBIDDEN */
export function mayStop({ session: { caller } }: Call, job: JobId, queuedBy: Name): void {
  if (caller.role !== 'admin' && caller.user !== queuedBy) throw new JankinsError('E_FORBIDDEN', { job })
}

/** One's own password, or for an admin anybody's. @throws JankinsError E_FORBIDDEN */
export function mayChangePassword({ session: { caller } }: Call, user: Name): void {
  if (caller.role !== 'admin' && caller.user !== user) throw new JankinsError('E_FORBIDDEN', { user })
}

/** A lease is good only for the account that took it, whoever else learned of it. @throws JankinsError E_LEASE_LOST */
export async function mayHold({ session: { caller }, services: { store } }: Call, job: JobId): Promise<void> {
  const found = await store.readJob(job)
  if (found?.state.kind !== 'RUNNING' || found.state.run.workerUser !== caller.user)
    throw new JankinsError('E_LEASE_LOST', { job })
}
