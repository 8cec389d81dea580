import type { Params, Result } from '../../../protocol/methods.js'
import type { Call } from './call.js'
import { acknowledgeJob } from './handlers/acknowledge.js'
import { listActions } from './handlers/actions.js'
import { addAction } from './handlers/add-action.js'
import { appendToJob } from './handlers/append.js'
import { attachWorker } from './handlers/attach.js'
import { beatWorker } from './handlers/beat.js'
import { readBundle, writeBundle } from './handlers/bundle.js'
import { claimJob } from './handlers/claim.js'
import { compareAction } from './handlers/compare.js'
import { declineJob } from './handlers/decline.js'
import { disableAction } from './handlers/disable.js'
import { drainWorker, undrainWorker } from './handlers/drain.js'
import { enableAction } from './handlers/enable.js'
import { execJob } from './handlers/exec.js'
import { readArtifacts } from './handlers/fetch.js'
import { finishJob } from './handlers/finish.js'
import { addInvite, listInvites, revokeInvite } from './handlers/invites.js'
import { readJobLog } from './handlers/log.js'
import { changePassword } from './handlers/passwd.js'
import { pinJob } from './handlers/pin.js'
import { queryJobs } from './handlers/query.js'
import { queueJobs } from './handlers/queue.js'
import { resumeJob } from './handlers/resume.js'
import { retryJob } from './handlers/retry.js'
import { listSecrets, removeSecret, setSecret } from './handlers/secrets.js'
import { showAction, showJob } from './handlers/show.js'
import { startedJob } from './handlers/started.js'
import { showStatus } from './handlers/status.js'
import { stopJob } from './handlers/stop.js'
import { unpinJob } from './handlers/unpin.js'
import { addUser, deleteUser, disableUser, enableUser, listUsers } from './handlers/users.js'
import { waitForJob } from './handlers/wait.js'
import { whyJobWaits } from './handlers/why.js'
import { listWorkers } from './handlers/workers.js'
import type { HandledMethod } from './request.js'

/** A method without a handler does not compile. */
export type Handlers = {
  readonly [M in HandledMethod]: (params: Params<M>, call: Call) => Promise<Result<M>> | Result<M>
}

export const HANDLERS: Handlers = {
  'user.add': addUser,
  'user.list': listUsers,
  'user.disable': disableUser,
  'user.enable': enableUser,
  'user.delete': deleteUser,
  'user.passwd': changePassword,
  'invite.add': addInvite,
  'invite.list': listInvites,
  'invite.revoke': revokeInvite,
  'action.add': addAction,
  'action.compare': compareAction,
  'action.list': listActions,
  'action.show': showAction,
  'action.enable': enableAction,
  'action.disable': disableAction,
  'bundle.write': writeBundle,
  'bundle.read': readBundle,
  'job.queue': queueJobs,
  'job.exec': execJob,
  'job.retry': retryJob,
  'job.query': queryJobs,
  'job.show': showJob,
  'job.why': whyJobWaits,
  'job.wait': waitForJob,
  'job.log': readJobLog,
  'job.stop': stopJob,
  'job.pin': pinJob,
  'job.unpin': unpinJob,
  'artifact.read': readArtifacts,
  'worker.attach': attachWorker,
  'worker.beat': beatWorker,
  'worker.list': listWorkers,
  'worker.drain': drainWorker,
  'worker.undrain': undrainWorker,
  'job.claim': claimJob,
  'job.acknowledge': acknowledgeJob,
  'job.decline': declineJob,
  'job.resume': resumeJob,
  'job.started': startedJob,
  'job.append': appendToJob,
  'job.finish': finishJob,
  'secret.set': setSecret,
  'secret.list': listSecrets,
  'secret.remove': removeSecret,
  'server.status': showStatus,
}

/** What may still be asked while the daemon stops: what brings running jobs to their end. */
export const WHILE_DRAINING: ReadonlySet<HandledMethod> = new Set([
  'worker.beat',
  'bundle.read',
  'job.decline',
  'job.resume',
  'job.started',
  'job.append',
  'job.finish',
])
