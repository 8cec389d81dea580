import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { until } from '../helpers/clock.js'
import { addAction, queued, startWorker } from '../helpers/jobs.js'
import { cli, runDaemon, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { type Family, parseMetrics, sampleOf } from '../helpers/prometheus.js'
import { openRaw } from '../helpers/raw-connection.js'

type Families = ReadonlyMap<string, Family>

/** A daemon that tells its metrics on a free port, and what it tells now. */
async function startMeasured(t: Test, config = '') {
  const daemon = await startDaemon(t, { args: ['--metrics', '127.0.0.1:0'], config })
  let url = ''
  const isTold = () => {
    url = /^its metrics are at (\S+)$/m.exec(daemon.stdout())?.[1] ?? ''
    return url !== ''
  }
  await until(isTold, 'the daemon says where its metrics are')
  const scrape = async (): Promise<Families> => parseMetrics(await (await fetch(url)).text())
  return { daemon, url, scrape }
}

t.test('what happens to jobs, connections and bytes is told to Prometheus and in jankins status', async t => {
  const { daemon, scrape } = await startMeasured(t)
  const before = await scrape()
  for (const { type, samples } of before.values())
    if (type === 'counter')
      for (const [sample, value] of samples) if (sample.startsWith('jankins_')) t.equal(value, 0, sample)
  t.equal(sampleOf(before, 'jankins_jobs{state="PENDING"}'), 0)
  t.equal(sampleOf(before, 'jankins_connections'), 0)

  await addAction(t, daemon, ['good', '--artifact', '*', '--', 'sh', '-c', 'printf 0123456789; echo kept >kept'])
  await addAction(t, daemon, ['bad', '--', 'false'])
  const job = await queued(t, daemon, ['good'])
  await cli(t, ['queue', 'bad'], daemon)
  t.equal(sampleOf(await scrape(), 'jankins_jobs{state="PENDING"}'), 2)
  startWorker(t, daemon)
  await cli(t, ['queue', 'good', '--wait'], daemon)
  const log = await cli(t, ['log', job], daemon)
  t.equal(String(log.stdout), '0123456789')
  await cli(t, ['fetch', job, '-o', temporaryDirectory(t)], daemon)
  const refused = await cli(t, ['status'], { env: { ...daemon.env, JANKINS_PASSWORD: 'guessed' } })
  t.equal(refused.code, 3)

  let after: Families = new Map()
  // A machine that is busy with other things may have made it miss some beats.
  const isHeard = async () => {
    after = await scrape()
    return sampleOf(after, 'jankins_workers{liveness="alive"}') === 1
  }
  await until(isHeard, 'the worker is heard')
  const told = (sample: string): number => sampleOf(after, sample)
  t.equal(told('jankins_jobs{state="PENDING"}'), 0)
  t.equal(told('jankins_jobs_queued_total'), 3)
  t.equal(told('jankins_jobs_ended_total{state="COMPLETE",reason="succeeded"}'), 2)
  t.equal(told('jankins_jobs_ended_total{state="COMPLETE",reason="failed"}'), 1)
  t.equal(told('jankins_job_queue_wait_seconds_count'), 3)
  t.ok(told('jankins_job_queue_wait_seconds_sum') > 0)
  t.ok(told('jankins_job_dispatch_seconds_count') >= 3)
  t.ok(told('jankins_store_commit_seconds_count') > 3)
  t.ok(told('jankins_heartbeats_total') > 0)
  t.ok(told('jankins_connections') >= 1)
  t.ok(told('jankins_connections_accepted_total') > 5)
  t.equal(told('jankins_logins_failed_total'), 1)
  t.equal(told('jankins_received_bytes_total{kind="log"}'), 20)
  t.ok(told('jankins_received_bytes_total{kind="artifact"}') > 100)
  t.equal(told('jankins_sent_bytes_total{kind="log"}'), 10)
  t.ok(told('jankins_sent_bytes_total{kind="artifact"}') > 50)
  t.ok(told('process_resident_memory_bytes') > 1e7)

  const { stdout } = await cli(t, ['status', '--json'], daemon)
  const status = JSON.parse(String(stdout))
  t.match(status, {
    ...{ jobsQueued: 3, jobsEnded: 3, leasesExpired: 0, connectionsRefused: 0, loginsFailed: 1, workersSuspect: 0 },
    ...{ logReceivedBytes: 20, logSentBytes: 10, queueWaitP50Ms: Number, dispatchP99Ms: Number, commitP99Ms: Number },
    artifactReceivedBytes: told('jankins_received_bytes_total{kind="artifact"}'),
    artifactSentBytes: told('jankins_sent_bytes_total{kind="artifact"}'),
  })
  t.ok(status.commitP50Ms <= status.commitP99Ms)
  t.ok(status.connectionsAccepted > told('jankins_connections_accepted_total'))
})

t.test('connections beyond a limit are counted, of all and of one account', async t => {
  const { daemon, scrape } = await startMeasured(t, 'connections_max = 2\nconnections_per_user = 1\n')
  await daemon.connect()
  await t.rejects(daemon.connect(), { code: 'E_TOO_MANY' })
  // A stranger takes the place of the one that was turned away, as soon as that is gone.
  const opened = async () => sampleOf(await scrape(), 'jankins_connections')
  await until(async () => (await opened()) === 1, 'the second connection is gone')
  await openRaw(daemon.address)
  await until(async () => (await opened()) === 2, 'the stranger is in')
  const third = await openRaw(daemon.address)
  await third.closed
  const families = await scrape()
  t.equal(sampleOf(families, 'jankins_connections_refused_total'), 2)
  t.equal(sampleOf(families, 'jankins_connections_accepted_total'), 3)
})

t.test('without being told where, the daemon listens nowhere else', async t => {
  const daemon = await startDaemon(t)
  t.notMatch(daemon.stdout(), /metrics/)
  const { signal, code } = await daemon.stop()
  t.strictSame([signal, code], [null, 0])
})

t.test('a peer that holds its connection open does not hold up the end of the daemon', async t => {
  const { daemon, url } = await startMeasured(t)
  const silent = connect(Number(new URL(url).port), '127.0.0.1')
  t.teardown(() => silent.destroy())
  await once(silent, 'connect')
  t.equal((await daemon.stop()).code, 0)
})

t.test('where the metrics cannot be told is said in one line', async t => {
  const { url } = await startMeasured(t)
  const { host } = new URL(url)
  const dataDir = join(temporaryDirectory(t), 'data')
  const start = (where: string) => runDaemon(t, ['--port', '0', '--data', dataDir, '--metrics', where])
  const last = async (where: string) => {
    const { code, stderr } = await start(where)
    return [code, stderr.split('\n').at(-2)]
  }
  t.strictSame(await last(host), [
    1,
    `jankinsd: ${host} is in use: stop the program that listens there, or give another --metrics`,
  ])
  t.strictSame(await last('192.0.2.1:0'), [
    2,
    'jankinsd: metrics on 192.0.2.1 can be read by everybody who reaches it: set metrics_allow_remote = true to want that, or a host such as 127.0.0.1',
  ])
  t.strictSame(await last('127.0.0.1'), [2, 'jankinsd: --metrics must be HOST:PORT'])
})
