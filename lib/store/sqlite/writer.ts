import type { Home } from '../../domain/job.js'
import type { StoreWriter } from '../store.js'
import { putActionActive, putActionRow } from './actions.js'
import type { Write } from './batch.js'
import type { Handle } from './database.js'
import { putDrained } from './drained.js'
import { applyJobEvent } from './events.js'
import { findRepeatedRows, insertJobRows } from './insert.js'
import { insertInvite, registerUser, revokeInviteRow } from './invites.js'
import { openExecQueueRow } from './queues.js'
import { forgetKeys } from './request-keys.js'
import { putSecretRow, removeSecretRow } from './secrets.js'
import { addUserRow, putPassword, putUserState } from './users.js'

const BEGIN_EPOCH = `
  INSERT INTO daemons (name, epoch) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1 RETURNING epoch`
// A job that has ended, or runs anew, is left as it is: these may come late.
const NOTE_BEAT = 'UPDATE jobs SET heartbeat_at_ms = ? WHERE id = ? AND state = 2'
const NOTE_LENGTHS = `
  UPDATE jobs SET durable_stdout_bytes = ?, durable_stderr_bytes = ? WHERE id = ? AND attempt = ? AND state = 2`

/** The writes of a Store: each is one operation of a batch. */
export const createStoreWriter = (handle: Handle, write: Write): StoreWriter => ({
  beginEpoch: daemon => write(() => beginEpoch(handle, daemon)),
  addUser: (user, role, mayExec, credential, nowMs) =>
    write(() => addUserRow(handle, { user, role, mayExec, credential }, nowMs)),
  setPassword: (user, credential) => write(() => putPassword(handle, user, credential)),
  setUserState: (user, state, nowMs) => write(() => putUserState(handle, user, state, nowMs)),
  addInvite: invite => write(() => insertInvite(handle, invite)),
  revokeInvite: (invite, nowMs) => write(() => revokeInviteRow(handle, invite, nowMs)),
  register: (registration, nowMs) => write(() => registerUser(handle, registration, nowMs)),
  putAction: (action, definition, replace, nowMs) =>
    write(() => putActionRow(handle, action, definition, replace, nowMs)),
  setActionActive: (action, active) => write(() => putActionActive(handle, action, active)),
  putSecret: (action, secret, nowMs) => write(() => putSecretRow(handle, action, secret, nowMs)),
  removeSecret: (action, secret, nowMs) => write(() => removeSecretRow(handle, action, secret, nowMs)),
  setWorkerDrained: (worker, user, isDrained, nowMs) => write(() => putDrained(handle, worker, user, isDrained, nowMs)),
  openExecQueue: labels => write(() => openExecQueueRow(handle, labels)),
  insertJobs: jobs => write(() => insertJobRows(handle, jobs)),
  findRepeated: jobs => write(() => findRepeatedRows(handle, jobs)),
  forgetRequestKeys: forgetKeys(handle, write),
  applyEvent: (job, event, version) => write(() => applyJobEvent(handle, job, event, version)),
  commit: () => write(() => {}),
  noteBeats: beats =>
    write(() => {
      for (const [job, atMs] of beats) handle.sql(NOTE_BEAT).run(atMs, job)
    }),
  noteDurableLengths: (job, attempt, stdoutBytes, stderrBytes) =>
    write(() => {
      handle.sql(NOTE_LENGTHS).run(stdoutBytes, stderrBytes, job, attempt)
    }),
})

const beginEpoch = ({ sql }: Handle, daemon: string): Home => ({
  daemon,
  epoch: (sql<{ epoch: number }>(BEGIN_EPOCH).get(daemon) as { epoch: number }).epoch,
})
