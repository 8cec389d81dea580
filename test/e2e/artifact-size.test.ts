import { readFileSync } from 'node:fs'
import t from 'tap'
import { addAction, queued, startWorker } from '../helpers/jobs.js'
import { startDaemon } from '../helpers/processes.js'

const GIB = 2 ** 30

t.test('an artifact of 3 GiB passes through a worker in under 200 MB of memory', async t => {
  const daemon = await startDaemon(t)
  // A sparse file: read and packed in full, and the disk of the test machine is spared. JANKINS_TEST_DENSE=1 packs noise.
  const make = process.env.JANKINS_TEST_DENSE ? 'head -c 3G /dev/urandom > big.gz' : 'truncate -s 3G big'
  await addAction(t, daemon, ['big', '--artifact', 'big*', '--', 'sh', '-c', make])
  const worker = startWorker(t, daemon)
  const job = await queued(t, daemon, ['big', '--wait'])
  const client = await daemon.connect()
  const { jobs } = await client.call('job.query', { jobs: [Number(job) as never] })
  t.match(jobs[0], { state: 'COMPLETE', exitCode: 0 })
  t.ok(Number(jobs[0]?.artifactBytes) > (process.env.JANKINS_TEST_DENSE ? 3 * GIB : GIB / 1_000))
  const [, peakKib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${worker.child.pid}/status`, 'utf8')) ?? []
  t.comment(`worker: ${Math.round(Number(peakKib) / 1024)} MiB at most`)
  t.ok(Number(peakKib) * 1024 < 200e6, `${peakKib} kB`)
})
