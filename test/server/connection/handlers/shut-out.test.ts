import t from 'tap'
import { ConnectionLostError } from '../../../../lib/client/connection.js'
import { HEARTBEAT_MS, LIMITS } from '../../../../protocol/limits.js'
import { settle } from '../../../helpers/clock.js'
import type { TestDaemon } from '../../../helpers/daemon.js'
import { code, credentialFor, endOf, setUp } from '../enrolment.js'
import { openPeer, proofFor } from '../peer.js'
import { attachParams, name, newClaim, newKey, runJob, takeJob } from '../running.js'

t.test('disabling an account ends its connections, whatever they are doing, and no others', async t => {
  const { daemon, admin } = await setUp(t)
  const login = await daemon.login('user', { user: 'ada' })
  const [idle, busy] = [await daemon.client(login), await daemon.client(login)]
  const other = await daemon.client('user')
  const { jobs } = await runJob(daemon).then(({ admin }) =>
    admin.call('job.queue', { action: name('build'), key: newKey() }),
  )
  const lost = t.rejects(busy.call('job.wait', { job: jobs[0]!, waitMs: 60_000 }), ConnectionLostError)
  await other.call('server.status', {})
  await admin.call('user.disable', { user: name('ada') })
  t.strictSame(await Promise.all([idle, busy].map(endOf)), ['E_DISABLED', 'E_DISABLED'])
  await lost
  await other.call('server.status', {})
  await t.rejects(daemon.client(login), code('E_AUTH'))
})

t.test('an admin who disables the own account is answered, then shut out', async t => {
  const { daemon, admin } = await setUp(t)
  await daemon.login('admin')
  t.strictSame(await admin.call('user.disable', { user: name('root') }), { changed: true })
  t.equal(await endOf(admin), 'E_DISABLED')
})

t.test('an authentication that is under way when its account is disabled fails like a wrong password', async t => {
  const { daemon, admin } = await setUp(t)
  const login = await daemon.login('user', { user: 'ada' })
  const peer = await openPeer(daemon)
  const proof = await proofFor(peer, login)
  await admin.call('user.disable', { user: name('ada') })
  await settle()
  peer.request(2, 'auth.finish', { data: proof })
  t.match(await peer.reply(), { error: { code: 'E_AUTH' } })
})

async function runFor(daemon: TestDaemon, definition = {}) {
  const login = await daemon.login('worker', { user: 'box' })
  const root = await daemon.client('admin')
  await root.call('action.add', { action: name('build'), command: ['make'], ...definition })
  const { jobs } = await root.call('job.queue', { action: name('build'), key: newKey() })
  const worker = await daemon.client(login)
  await worker.call('worker.attach', attachParams('box'))
  await takeJob(worker)
  return { worker, login, job: jobs[0]! }
}

t.test('the running jobs of a disabled worker end as CANCELLED with the reason, before their lease does', async t => {
  const { daemon, admin } = await setUp(t)
  const { worker, job } = await runFor(daemon, { leaseMs: 3_600_000, retries: 3 })
  await admin.call('user.disable', { user: name('box') })
  t.equal(await endOf(worker), 'E_DISABLED')
  const asked = await admin.call('job.query', { jobs: [job] })
  t.match(asked.jobs, [{ state: 'RUNNING', reason: 'worker-disabled', stopRequestedAtMs: daemon.clock.nowMs() }])
  const waiting = admin.call('job.wait', { job, waitMs: 60_000 })
  await admin.call('server.status', {})
  await daemon.clock.advance(LIMITS.leaseMarginMs.value + HEARTBEAT_MS)
  t.match(await waiting, { job: { state: 'CANCELLED', reason: 'worker-disabled', attempt: 1, worker: 'box' } })
})

t.test('the job of a disabled worker that cannot be told ends with its lease', async t => {
  const { daemon, admin } = await setUp(t)
  const { worker, job } = await runFor(daemon, { leaseMs: 60_000 })
  worker.destroy()
  await worker.closed
  await admin.call('user.disable', { user: name('box') })
  await daemon.clock.advance(60_000)
  t.match((await admin.call('job.query', { jobs: [job] })).jobs, [{ state: 'RUNNING' }])
  const waiting = admin.call('job.wait', { job, waitMs: 60_000 })
  await admin.call('server.status', {})
  await daemon.clock.advance(LIMITS.leaseMarginMs.value + HEARTBEAT_MS)
  t.match(await waiting, { job: { state: 'CANCELLED', reason: 'worker-disabled' } })
})

t.test('a job that is acknowledged in the moment in which its worker is disabled does not run', async t => {
  const { daemon, admin } = await setUp(t)
  const login = await daemon.login('worker', { user: 'box' })
  await admin.call('action.add', { action: name('build'), command: ['make'] })
  await admin.call('job.queue', { action: name('build'), key: newKey() })
  const worker = await daemon.client(login)
  await worker.call('worker.attach', attachParams('box'))
  const { grant } = await worker.call('job.claim', { claim: newClaim(), waitMs: 0 })
  const disabling = daemon.writer.setUserState(name('box'), 'disabled')
  await t.rejects(worker.call('job.acknowledge', { job: grant!.job, lease: grant!.lease }))
  await disabling
  await daemon.clock.advance(LIMITS.grantMs.value)
  t.match((await admin.call('job.query', { jobs: [grant!.job] })).jobs, [{ state: 'PENDING' }])
})

t.test('new keys with endSessions end the other connections of the account; without, all go on', async t => {
  const { daemon, admin } = await setUp(t)
  const login = await daemon.login('user', { user: 'ada' })
  const [own, other] = [await daemon.client(login), await daemon.client(login)]
  await own.call('user.passwd', await credentialFor('second'))
  await other.call('server.status', {})
  await own.call('user.passwd', { ...(await credentialFor('third')), endSessions: true })
  t.equal(await endOf(other), 'E_NOT_AUTHENTICATED')
  await own.call('server.status', {})
  await admin.call('user.passwd', { user: name('ada'), ...(await credentialFor('fourth')), endSessions: true })
  t.equal(await endOf(own), 'E_NOT_AUTHENTICATED')
  await daemon.client({ user: name('ada'), password: 'fourth' })
})

t.test('a deleted account is disabled for ever, and keeps its name and its jobs', async t => {
  const { daemon, admin } = await setUp(t)
  const login = await daemon.login('user', { user: 'ada' })
  const ada = await daemon.client(login)
  const user = name('ada')
  await admin.call('action.add', { action: name('build'), command: ['make'] })
  await ada.call('job.queue', { action: name('build'), key: newKey() })
  t.strictSame(await admin.call('user.delete', { user }), { changed: true })
  t.equal(await endOf(ada), 'E_DISABLED')
  t.strictSame(await admin.call('user.delete', { user }), { changed: false })
  await t.rejects(daemon.client(login), code('E_AUTH'))
  await t.rejects(admin.call('user.enable', { user }), code('E_USER_DELETED'))
  await t.rejects(admin.call('user.passwd', { user, ...(await credentialFor('x')) }), code('E_USER_DELETED'))
  await t.rejects(admin.call('user.delete', { user: name('root') }), code('E_LAST_ADMIN'))
  await t.rejects(admin.call('user.delete', { user: name('nobody') }), code('E_USER_NOT_FOUND'))
  t.match(await admin.call('job.query', { user }), { jobs: [{ user: 'ada' }] })
})
