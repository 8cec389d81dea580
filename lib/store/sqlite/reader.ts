import { fitReply } from '../page.js'
import type { StoreReader } from '../store.js'
import { findActionFactsRow, findActionRow, listActionRows } from './actions.js'
import { type Handle, inSnapshot } from './database.js'
import { findOrder, readDispatch, readHeadRows } from './dispatch.js'
import { listDrainedRows } from './drained.js'
import { listInviteRows } from './invites.js'
import { readJobEventRows } from './job-events.js'
import { readJobRow } from './job-row.js'
import { findJobView } from './job-view.js'
import { queryJobRows } from './query.js'
import { findJobSecrets, listSecretRows } from './secrets.js'
import { findAccountRow, listUserRows } from './users.js'

/** The reads of a Store on one handle. What is one statement is one snapshot by itself. */
export const createReader = (handle: Handle): StoreReader => ({
  findAccount: async user => findAccountRow(handle, user),
  async listUsers(after, limit) {
    const { rows, next } = page(listUserRows(handle, after, limit + 1), limit, row => row.user)
    return { users: rows, ...(next !== undefined && { next }) }
  },
  async listInvites(after, limit, nowMs) {
    const { rows, next } = page(listInviteRows(handle, after, limit + 1, nowMs), limit, row => row.invite)
    return { invites: rows, ...(next !== undefined && { next }) }
  },
  findAction: async action => findActionRow(handle, action),
  async listActions(after, limit) {
    const { rows, next } = page(listActionRows(handle, after, limit + 1), limit, row => row.action)
    return { actions: rows, ...(next !== undefined && { next }) }
  },
  listSecrets: async action => inSnapshot(handle, () => listSecretRows(handle, action)),
  readJobSecrets: async job => findJobSecrets(handle, job),
  findActionFacts: async action => inSnapshot(handle, () => findActionFactsRow(handle, action)),
  readJobEvents: async job => readJobEventRows(handle, job),
  listDrainedWorkers: async () => listDrainedRows(handle),
  findJob: async job => findJobView(handle, job),
  readJob: async job => readJobRow(handle, job)?.job,
  readOrder: async job => findOrder(handle, job),
  queryJobs: async (filter, after, limit) => inSnapshot(handle, () => queryJobRows(handle, filter, after, limit)),
  readHeads: async (queue, after, limit) => inSnapshot(handle, () => readHeadRows(handle, queue, after, limit)),
  readDispatchState: async () => inSnapshot(handle, () => readDispatch(handle)),
})

/** `rows` holds one more than the page when there is a next one. */
function page<Row, Key>(rows: readonly Row[], limit: number, keyOf: (row: Row) => Key) {
  const fitting = fitReply(rows.slice(0, limit))
  const last = fitting.at(-1)
  return { rows: fitting, next: last && rows.length > fitting.length ? keyOf(last) : undefined }
}
