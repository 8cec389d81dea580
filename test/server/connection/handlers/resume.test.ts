import t from 'tap'
import { startDaemonInProcess } from '../../../helpers/daemon.js'
import { runJob } from '../running.js'

t.test('job.resume counts the lease anew, as its worker does', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon, { leaseMs: 3_000 })
  for (let times = 0; times < 3; times++) {
    await daemon.clock.advance(7_000)
    await worker.call('job.resume', held)
  }
  t.match(await admin.call('job.wait', { job, waitMs: 0 }), { job: { state: 'RUNNING' } })
})
