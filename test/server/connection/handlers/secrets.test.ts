import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Client } from '../../../../lib/client/connection.js'
import { connect } from '../../../../lib/client/connection.js'
import { seal, unseal } from '../../../../lib/server/connection/seal.js'
import { LIMITS } from '../../../../protocol/limits.js'
import { type KeyLogin, startDaemonInProcess, type TestDaemon } from '../../../helpers/daemon.js'
import { recordingDial } from '../../../helpers/exercised.js'
import { attachParams, name, newClaim, newKey, runJob, takeJob } from '../running.js'

const build = name('build')
const VALUE = 'correct horse battery staple'
const TOKEN = { action: build, secret: 'TOKEN', value: VALUE }

/** A connection from another machine, in plain. */
async function far(daemon: TestDaemon, login: KeyLogin): Promise<Client> {
  const dial = recordingDial(daemon.dial)
  return connect({ dial, address: { host: '192.0.2.7', port: 1 }, login, clock: daemon.clock })
}

async function queueOne(t: Test) {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  await admin.call('action.add', { action: build, command: ['make'] })
  await admin.call('secret.set', TOKEN)
  const { jobs } = await admin.call('job.queue', { action: build, key: newKey() })
  return { daemon, admin, job: jobs[0]! }
}

/** A job without secrets, and a worker that is told of it over a line that others can read. */
async function queueAway(t: Test) {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  await admin.call('action.add', { action: build, command: ['make'] })
  const { jobs } = await admin.call('job.queue', { action: build, key: newKey() })
  const away = await far(daemon, await daemon.login('worker'))
  await away.call('worker.attach', attachParams('away'))
  return { admin, jobs, away }
}

t.test('a sealed value opens with its key, in its place, whole, and nowhere else', async t => {
  const key = Buffer.alloc(32, 1)
  const sealed = seal(key, TOKEN, VALUE)
  t.equal(unseal(key, TOKEN, sealed), VALUE)
  t.notOk(sealed.includes(VALUE))
  t.notSame(seal(key, TOKEN, VALUE), sealed, 'the same value never looks the same')
  t.equal(unseal(Buffer.alloc(32, 2), TOKEN, sealed), undefined)
  t.equal(unseal(key, { ...TOKEN, secret: 'OTHER' }, sealed), undefined)
  t.equal(unseal(key, { ...TOKEN, action: 'deploy' }, sealed), undefined)
  for (const at of sealed.keys()) {
    const changed = Buffer.from(sealed)
    changed[at]! ^= 1
    t.equal(unseal(key, TOKEN, changed), undefined, `byte ${at}`)
  }
  for (const length of [0, 11, 27]) t.equal(unseal(key, TOKEN, sealed.subarray(0, length)), undefined)
})

t.test('a secret is set, named and removed; the same value again changes nothing', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  await admin.call('action.add', { action: build, command: ['make'] })
  t.strictSame(await admin.call('secret.set', TOKEN), { changed: true })
  t.strictSame(await admin.call('secret.set', TOKEN), { changed: false })
  t.strictSame(await admin.call('secret.set', { ...TOKEN, value: 'another value' }), { changed: true })
  t.strictSame(await admin.call('secret.list', { action: build }), { secrets: ['TOKEN'] })
  const { action, secret } = TOKEN
  t.strictSame(await admin.call('secret.remove', { action, secret }), { changed: true })
  t.strictSame(await admin.call('secret.remove', { action, secret }), { changed: false })
  t.strictSame(await admin.call('secret.list', { action }), { secrets: [] })
  await t.rejects(admin.call('secret.list', { action: name('nobody') }), { code: 'E_ACTION_NOT_FOUND' })
})

t.test('what cannot be masked, or is no variable, is refused with the reason', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  const refused = (params: object, field: string) =>
    t.rejects(admin.call('secret.set', { ...TOKEN, ...params }), { code: 'E_BAD_REQUEST', detail: { field } })
  await t.rejects(admin.call('secret.set', { ...TOKEN, value: 'short' }), {
    code: 'E_BAD_REQUEST',
    detail: { field: 'value', expected: /at least 6 bytes long: what is shorter cannot be masked in logs/ },
  })
  await refused({ value: 'x'.repeat(LIMITS.secretBytesMax.value + 1) }, 'value')
  for (const secret of ['', '1A', 'A-B', 'A=B', 'JANKINS_JOB']) await refused({ secret }, 'secret')
})

t.test('neither the database nor any file but the key holds what opens a secret', async t => {
  const { daemon } = await queueOne(t)
  for (const file of ['jankins.db', 'jankins.db-wal'])
    t.notOk(readFileSync(join(daemon.dataDir, file)).includes(VALUE), file)
})

t.test('the worker that takes a job is given its secrets, and again when it resumes', async t => {
  const { daemon, admin, job } = await queueOne(t)
  const worker = await daemon.client('worker')
  await worker.call('worker.attach', attachParams('box'))
  const { grant } = await worker.call('job.claim', { claim: newClaim(), waitMs: 0 })
  t.notMatch(JSON.stringify(grant), VALUE, 'the grant goes to disk: they are not in it')
  const held = { job, lease: grant!.lease }
  t.strictSame(await worker.call('job.acknowledge', held), { secrets: [['TOKEN', VALUE]] })
  await admin.call('secret.set', { ...TOKEN, value: 'another value' })
  await admin.call('secret.set', { ...TOKEN, secret: 'KEY' })
  t.strictSame(await worker.call('job.acknowledge', held), {
    secrets: [
      ['KEY', VALUE],
      ['TOKEN', VALUE],
    ],
  })
  t.match(await worker.call('job.resume', { ...held, secrets: true }), { secrets: [['KEY'], ['TOKEN', VALUE]] })
  t.notOk('secrets' in (await worker.call('job.resume', held)), 'only who asks for them')
})

t.test('nobody but the holder of the lease is given them', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, held } = await runJob(daemon)
  await admin.call('secret.set', TOKEN)
  const other = await daemon.client('worker')
  await other.call('worker.attach', attachParams('other'))
  const foreign = { ...held, lease: 'ab'.repeat(16) as typeof held.lease }
  await t.rejects(other.call('job.resume', { ...foreign, secrets: true }), { code: 'E_LEASE_LOST' })
  await t.rejects(other.call('job.acknowledge', foreign), { code: 'E_LEASE_LOST' })
  // A lease that got around is good for the account that took it, whoever else learned of it.
  await t.rejects(other.call('job.resume', { ...held, secrets: true }), { code: 'E_LEASE_LOST' })
  await t.rejects(other.call('job.acknowledge', held), { code: 'E_LEASE_LOST' })
})

t.test('over a line that others can read no secret is set, named or handed over, and no such job offered', async t => {
  const { daemon, admin, job } = await queueOne(t)
  const login = await daemon.login('admin')
  const away = await far(daemon, login)
  await t.rejects(away.call('secret.set', TOKEN), { code: 'E_NOT_PRIVATE' })
  await t.rejects(away.call('secret.list', { action: build }), { code: 'E_NOT_PRIVATE' })
  await away.call('worker.attach', attachParams('away'))
  t.strictSame(await away.call('job.claim', { claim: newClaim(), waitMs: 0 }), {}, 'the job waits for another worker')
  const near = await daemon.client(login)
  await near.call('worker.attach', attachParams('near'))
  const grant = await takeJob(near)
  t.equal(grant.job, job)
  const held = { job, lease: grant.lease }
  await t.rejects(away.call('job.resume', { ...held, secrets: true }), { code: 'E_NOT_PRIVATE' })
  await admin.call('secret.remove', { action: build, secret: 'TOKEN' })
  await admin.call('job.queue', { action: build, key: newKey() })
  t.not((await takeJob(away)).job, job, 'without secrets it is anybody’s')
})

t.test('a worker that was offered a job before it had a secret does not take it over such a line', async t => {
  const { admin, jobs, away } = await queueAway(t)
  const { grant } = await away.call('job.claim', { claim: newClaim(), waitMs: 0 })
  await admin.call('secret.set', TOKEN)
  const held = { job: grant!.job, lease: grant!.lease }
  await t.rejects(away.call('job.acknowledge', held), { code: 'E_NOT_PRIVATE' })
  t.match((await admin.call('job.query', { jobs })).jobs, [{ state: 'PENDING' }])
})

t.test('a job that was taken over such a line is acknowledged again when its action has a secret', async t => {
  const { admin, jobs, away } = await queueAway(t)
  const { job, lease } = await takeJob(away)
  await admin.call('secret.set', TOKEN)
  t.strictSame(await away.call('job.acknowledge', { job, lease }), {})
  await t.rejects(away.call('job.acknowledge', { job, lease: 'ab'.repeat(16) as typeof lease }), {
    code: 'E_NOT_PRIVATE',
  })
  t.match(await away.call('job.resume', { job, lease }), { stop: false, secrets: undefined })
  t.match((await admin.call('job.query', { jobs })).jobs, [{ state: 'RUNNING' }])
})

t.test('a job whose secret was sealed by another key is taken by nobody, with the reason', async t => {
  const { daemon, job } = await queueOne(t)
  await daemon.store.putSecret(build, { secret: 'TOKEN', sealed: seal(Buffer.alloc(32), TOKEN, VALUE) }, 1)
  const worker = await daemon.client('worker')
  await worker.call('worker.attach', attachParams('box'))
  const { grant } = await worker.call('job.claim', { claim: newClaim(), waitMs: 0 })
  await t.rejects(worker.call('job.acknowledge', { job, lease: grant!.lease }), {
    code: 'E_JOB_DAMAGED',
    detail: { job, reason: /TOKEN of its action cannot be opened: set it again, or restore/ },
  })
})
