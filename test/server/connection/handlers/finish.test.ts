import t from 'tap'
import { startDaemonInProcess } from '../../../helpers/daemon.js'
import { EMPTY, runJob, streamOf } from '../running.js'

t.test('a job that printed something cannot end as one that printed nothing, whoever sent its log', async t => {
  const daemon = await startDaemonInProcess(t)
  const { worker, login, held } = await runJob(daemon)
  const bulk = await daemon.client(login)
  await bulk.call('job.resume', held)
  const append = { ...held, part: 'stdout', offset: 0, data: Buffer.from('abc') } as const
  await bulk.call('job.append', append)
  const finish = { ...held, exitCode: 0, stdout: EMPTY, stderr: EMPTY }
  await t.rejects(worker.call('job.finish', finish), { code: 'E_CHECKSUM' })
  await bulk.call('job.append', append)
  t.strictSame(await worker.call('job.finish', { ...finish, stdout: streamOf('abc') }), { state: 'COMPLETE' })
})

t.test('artifacts that were sent and are not finished are dropped, also of a job that printed nothing', async t => {
  const daemon = await startDaemonInProcess(t)
  const { worker, login, held } = await runJob(daemon)
  const bulk = await daemon.client(login)
  await bulk.call('job.resume', held)
  await bulk.call('job.append', { ...held, part: 'artifacts', offset: 0, data: Buffer.from('half of a zip') })
  const key = { job: held.job, attempt: 1 }
  t.equal((await daemon.blobs.lengths(key)).artifacts, 13)
  const finish = { ...held, exitCode: 0, stdout: EMPTY, stderr: EMPTY }
  t.strictSame(await worker.call('job.finish', finish), { state: 'COMPLETE' })
  t.equal((await daemon.blobs.lengths(key)).artifacts, 0)
})
