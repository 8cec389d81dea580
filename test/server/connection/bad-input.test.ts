import t from 'tap'
import { startDaemonInProcess } from '../../helpers/daemon.js'
import { dumpDatabase } from '../../helpers/dump.js'
import { openPeer, proofFor, startParams } from './peer.js'
import { EMPTY, hex32, NO_JOB, newKey, runJob } from './running.js'

t.test('bad input gets its own error code and changes nothing in the database', async t => {
  const daemon = await startDaemonInProcess(t)
  const { job } = await runJob(daemon)
  const admin = await daemon.login('admin')
  const user = await daemon.login('user')
  const before = dumpDatabase(daemon.dataDir)
  const key = newKey()
  const lease = hex32()
  const order = { action: 'build', key }
  const finish = { job, lease, exitCode: 0, stdout: EMPTY, stderr: EMPTY }
  const cases: [typeof admin, string, unknown, string][] = [
    [admin, 'job.queue', { ...order, action: 'nothing' }, 'E_ACTION_NOT_FOUND'],
    [admin, 'job.queue', { ...order, action: '../etc' }, 'E_BAD_REQUEST'],
    [admin, 'job.queue', { ...order, parameters: [['1A', 'x']] }, 'E_BAD_REQUEST'],
    [admin, 'job.queue', { ...order, parameters: [['A', 'x\0']] }, 'E_BAD_REQUEST'],
    [admin, 'job.queue', { ...order, parameters: { A: 'x' } }, 'E_BAD_REQUEST'],
    [admin, 'job.queue', { ...order, count: 1.5 }, 'E_BAD_REQUEST'],
    [admin, 'job.queue', { ...order, priority: 1e6 }, 'E_BAD_REQUEST'],
    [admin, 'job.queue', null, 'E_BAD_REQUEST'],
    [admin, 'job.queue', [], 'E_BAD_REQUEST'],
    [admin, 'job.exec', { key, command: [] }, 'E_BAD_REQUEST'],
    [admin, 'job.exec', { key, command: ['a'], script: 'b' }, 'E_BAD_REQUEST'],
    [admin, 'job.exec', { key, command: ['a'], leaseMs: 1 }, 'E_BAD_REQUEST'],
    [user, 'job.exec', { key, command: ['a'] }, 'E_FORBIDDEN'],
    [admin, 'job.retry', { job: NO_JOB, key }, 'E_JOB_NOT_FOUND'],
    [admin, 'job.retry', { job, key }, 'E_JOB_NOT_FINISHED'],
    [admin, 'job.stop', { job: NO_JOB }, 'E_JOB_NOT_FOUND'],
    [admin, 'job.stop', { job: 0 }, 'E_BAD_REQUEST'],
    [admin, 'job.stop', { job: 2 ** 60 }, 'E_BAD_REQUEST'],
    [user, 'job.stop', { job }, 'E_FORBIDDEN'],
    [admin, 'job.query', { state: 'SLEEPING' }, 'E_BAD_REQUEST'],
    [admin, 'job.query', { limit: 101 }, 'E_BAD_REQUEST'],
    [admin, 'job.log', { job: NO_JOB, stream: 'all', offset: 0, bytesMax: 1 }, 'E_JOB_NOT_FOUND'],
    [admin, 'action.add', { action: 'build', command: ['other'] }, 'E_ACTION_EXISTS'],
    [admin, 'action.add', { action: 'no/slash', command: ['a'] }, 'E_BAD_REQUEST'],
    [user, 'action.add', { action: 'mine', command: ['a'] }, 'E_FORBIDDEN'],
    [admin, 'action.disable', { action: 'nothing' }, 'E_ACTION_NOT_FOUND'],
    [admin, 'user.disable', { user: 'nobody' }, 'E_USER_NOT_FOUND'],
    [admin, 'user.add', { user: 'x', role: 'king' }, 'E_BAD_REQUEST'],
    [admin, 'job.acknowledge', { job, lease }, 'E_NOT_ATTACHED'],
    [admin, 'job.resume', { job, lease }, 'E_LEASE_LOST'],
    [admin, 'job.started', { job, lease, pid: 1 }, 'E_LEASE_LOST'],
    [admin, 'job.append', { job, lease, part: 'stdout', offset: 0, data: Buffer.from('x') }, 'E_LEASE_LOST'],
    [admin, 'job.append', { job, lease, part: 'passwd', offset: 0, data: Buffer.from('x') }, 'E_BAD_REQUEST'],
    [admin, 'job.finish', finish, 'E_LEASE_LOST'],
    [admin, 'job.finish', { ...finish, job: NO_JOB }, 'E_LEASE_LOST'],
    [admin, 'job.finish', { ...finish, exitCode: 256 }, 'E_BAD_REQUEST'],
    [admin, 'job.teleport', {}, 'E_UNKNOWN_METHOD'],
  ]
  for (const [who, method, params, code] of cases) {
    const peer = await openPeer(daemon)
    await peer.authenticate(who)
    peer.request(3, method, params)
    t.match(await peer.reply(), { id: 3, error: { code } }, `${method} ${JSON.stringify(params)}`)
    peer.destroy()
  }
  const stranger = await openPeer(daemon)
  t.match(await stranger.authenticate({ ...admin, user: user.user }), { error: { code: 'E_AUTH' } })
  const early = await openPeer(daemon)
  early.request(1, 'job.queue', order)
  t.match(await early.reply(), { error: { code: 'E_NOT_AUTHENTICATED' } })
  const half = await openPeer(daemon)
  await proofFor(half, admin)
  half.request(2, 'job.queue', { ...order, ...startParams('x').params })
  t.match(await half.reply(), { error: { code: 'E_NOT_AUTHENTICATED' } })
  t.equal(dumpDatabase(daemon.dataDir), before)
})
