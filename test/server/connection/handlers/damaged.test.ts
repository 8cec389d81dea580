import t from 'tap'
import { startDaemonInProcess } from '../../../helpers/daemon.js'
import { damage } from '../../../helpers/damage.js'
import { EMPTY, name, newKey, runJob } from '../running.js'

t.test('a job that cannot be given out tells why it waits, until it is mended, whatever starts anew', async t => {
  const before = await startDaemonInProcess(t)
  const { admin } = await runJob(before)
  const { jobs } = await admin.call('job.queue', { action: name('build'), key: newKey(), count: 2 })
  const [job, other] = jobs
  if (job === undefined || other === undefined) throw new Error('two jobs were queued')
  damage(before.dataDir, `UPDATE jobs SET parameters = '[[', batch_of = NULL WHERE id = ${job}`)
  t.match((await admin.call('job.query', { jobs: [job] })).jobs, [{ aside: 'its parameters are damaged' }])
  t.match((await admin.call('job.wait', { job, waitMs: 0 })).job, { aside: 'its parameters are damaged' })
  t.notHas((await admin.call('job.query', { jobs: [other] })).jobs[0], { aside: String })
  await before.stop()

  const daemon = await startDaemonInProcess(t, { dataDir: before.dataDir })
  const user = await daemon.client('user')
  t.match((await user.call('job.query', { jobs: [job] })).jobs, [{ state: 'PENDING', aside: /parameters/ }])
  damage(daemon.dataDir, `UPDATE jobs SET parameters = NULL WHERE id = ${job}`)
  t.notHas((await user.call('job.query', { jobs: [job] })).jobs[0], { aside: String })
})

t.test('a job of an action whose labels are damaged tells that, and that its definition is', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  await admin.call('action.add', { action: name('build'), command: ['make'], labels: [name('gpu')] })
  const { jobs } = await admin.call('job.queue', { action: name('build'), key: newKey() })
  const aside = async () => (await admin.call('job.query', { jobs })).jobs[0]?.aside
  damage(daemon.dataDir, "UPDATE action_versions SET definition = replace(definition, '60000', '-1')")
  t.match(await aside(), /^its leaseMs must be/)
  damage(daemon.dataDir, "UPDATE action_versions SET definition = '{'")
  t.equal(await aside(), 'its definition is damaged')
  damage(daemon.dataDir, 'UPDATE queues SET labels = \'["no label!"]\'')
  t.equal(await aside(), 'its labels are damaged')
  damage(daemon.dataDir, 'UPDATE jobs SET user = 99')
  t.equal(await aside(), 'its row, its account or its queue is missing')
})

t.test('job.retry of a job that is damaged says so, and makes none', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon)
  await worker.call('job.finish', { ...held, exitCode: 1, stdout: EMPTY, stderr: EMPTY })
  damage(daemon.dataDir, "UPDATE action_versions SET definition = '[7]'")
  const retry = admin.call('job.retry', { job, key: newKey() })
  await t.rejects(retry, { code: 'E_JOB_DAMAGED', detail: { job, reason: 'its definition is damaged' } })
  t.equal((await admin.call('job.query', {})).jobs.length, 1)
})

t.test('a running job whose row has lost who holds it ends with a reason', async t => {
  const before = await startDaemonInProcess(t)
  const { job } = await runJob(before)
  await before.stop()
  damage(before.dataDir, 'UPDATE jobs SET lease = NULL, home_daemon = NULL, worker = NULL')
  const daemon = await startDaemonInProcess(t, { dataDir: before.dataDir })
  const user = await daemon.client('user')
  t.match((await user.call('job.query', { jobs: [job] })).jobs, [{ state: 'RUNNING' }])
  await daemon.clock.advance(10_000)
  const ending = user.call('job.wait', { job, waitMs: 60_000 })
  await daemon.clock.advance(56_000)
  t.match((await ending).job, { state: 'TIMEOUT', reason: 'worker-lost', attempt: 1 })
})
