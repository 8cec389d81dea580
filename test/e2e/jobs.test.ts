import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { JobView } from '../../protocol/views.js'
import { addAction, queued, startWorker, THREAD_MODES } from '../helpers/jobs.js'
import { cli, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { until } from '../helpers/worker-bench.js'

for (const { threads, args } of THREAD_MODES)
  t.test(`with ${threads}`, async t => {
    const daemon = await startDaemon(t, { args })
    const client = await daemon.connect()
    startWorker(t, daemon, [], { JANKINS_CONFIG: '', SOME_TOKEN: 'of the box' })

    async function record(job: string): Promise<JobView> {
      const { jobs } = await client.call('job.query', { jobs: [Number(job) as never] })
      return jobs[0] as JobView
    }

    t.test('the exit code of the job is what is kept and what waiting commands end with', async t => {
      await addAction(t, daemon, ['seven', '--', 'sh', '-c', 'exit 7'])
      await addAction(t, daemon, ['unknown', '--', 'no-such-program-anywhere'])
      await addAction(t, daemon, ['suicide', '--', 'sh', '-c', 'kill -9 $$'])
      const seven = await cli(t, ['queue', 'seven', '--wait'], daemon)
      t.equal(seven.code, 7)
      t.match(await record(String(seven.stdout).trim()), { state: 'COMPLETE', exitCode: 7 })

      const unknown = await cli(t, ['run', 'unknown'], daemon)
      t.equal(unknown.code, 127)
      t.match(unknown.stderr, /no-such-program-anywhere/)

      const suicide = await cli(t, ['queue', 'suicide', '--wait'], daemon)
      t.equal(suicide.code, 137)
      const view = await record(String(suicide.stdout).trim())
      t.match(view, { state: 'COMPLETE', exitCode: 137 })
      t.notOk(view.signal, 'jankins did not send that signal')
    })

    t.test('a job past its time limit is ended and says TIMEOUT with the reason and the signal', async t => {
      await addAction(t, daemon, ['slow', '--timeout', '1s', '--grace', '30s', '--', 'sleep', '600'])
      const done = await cli(t, ['queue', 'slow', '--wait'], daemon)
      t.equal(done.code, 124)
      t.match(await record(String(done.stdout).trim()), {
        state: 'TIMEOUT',
        reason: 'time-limit',
        signal: 'SIGTERM',
      })
    })

    t.test(
      'a stopped job ends CANCELLED and keeps what it wrote; stop --wait prints it and ends as the job',
      async t => {
        const script = 'echo err >&2; echo out; sleep 600 & sleep 600'
        await addAction(t, daemon, ['long', '--grace', '30s', '--', 'sh', '-c', script])
        const job = await queued(t, daemon, ['long'])
        await client.call('job.log', {
          job: Number(job) as never,
          stream: 'stdout',
          offset: 0,
          bytesMax: 10,
          waitMs: 30_000,
        })
        const stopped = await cli(t, ['stop', job, '--wait'], daemon)
        t.equal(stopped.code, 130)
        t.match(String(stopped.stdout), /out/)
        t.match(stopped.stderr, /err/)
        t.match(await record(job), { state: 'CANCELLED', reason: 'stopped', signal: 'SIGTERM' })
        const again = await cli(t, ['log', job, '--stdout'], daemon)
        t.equal(String(again.stdout), 'out\n')
      },
    )

    t.test('parameters and fields of an action reach the job as argv and environment, never as shell text', async t => {
      const evil = `a'; touch pwned; echo "$(id)" \`id\` \\ \n two`
      await addAction(t, daemon, ['show', '--env', `GIVEN=${evil}`, '--', 'printenv', 'GIVEN', 'TOLD'])
      await addAction(t, daemon, ['args', '--', 'printf', '%s|', evil, '$HOME', '*'])
      const job = await queued(t, daemon, ['show', '-p', `TOLD=${evil}`, '--wait'])
      t.equal(String((await cli(t, ['log', job, '--stdout'], daemon)).stdout), `${evil}\n${evil}\n`)
      const argument = await queued(t, daemon, ['args', '--wait'])
      t.equal(String((await cli(t, ['log', argument, '--stdout'], daemon)).stdout), `${evil}|$HOME|*|`)
    })

    t.test('the environment of a job holds nothing of the account that its worker uses', async t => {
      await addAction(t, daemon, ['environment', '--', 'env'])
      const job = await queued(t, daemon, ['environment', '--wait'])
      const log = String((await cli(t, ['log', job, '--stdout'], daemon)).stdout)
      t.notMatch(log, /JANKINS_(PASSWORD|USER|SERVER|CONFIG)/)
      t.notOk(log.includes(daemon.password))
      for (const name of ['CI=true', `JANKINS_JOB=${job}`, 'JANKINS_ACTION=environment', 'JANKINS_ATTEMPT=1'])
        t.match(log, new RegExp(`^${name}$`, 'm'))
    })

    t.test('50 jobs over 4 workers run exactly once each', async t => {
      const daemon = await startDaemon(t, { args })
      const marks = temporaryDirectory(t)
      await addAction(t, daemon, ['mark', '--', 'sh', '-c', `echo run >> ${marks}/$JANKINS_JOB`])
      for (let i = 0; i < 4; i++) startWorker(t, daemon, ['--name', `box-${i}`])
      const client = await daemon.connect()
      const areThere = async () => (await client.call('worker.list', {})).workers.length === 4
      await until('all of them ask for jobs', areThere)
      const { stdout } = await cli(t, ['queue', 'mark', '--count', '50'], daemon)
      const jobs = String(stdout).trim().split('\n')
      t.equal(jobs.length, 50)
      const ran = new Set<string | undefined>()
      for (const job of jobs) {
        const { job: view } = await client.call('job.wait', { job: Number(job) as never, waitMs: 60_000 })
        t.match(view, { state: 'COMPLETE', exitCode: 0, attempt: 1 })
        ran.add(view.worker)
        t.equal(readFileSync(join(marks, job), 'utf8'), 'run\n')
      }
      t.equal(readdirSync(marks).length, 50)
      t.ok(ran.size > 1, `spread over ${[...ran].join(', ')}`)
    })

    t.test('a worker whose state directory cannot be written says so and takes no job', async t => {
      const { code, stderr } = await cli(t, ['work', '--dir', '/dev/null/state', '--once'], daemon)
      t.equal(code, 1)
      t.match(stderr, /^jankins: .*\/dev\/null\/state/m)
    })

    t.test('a directory that the job cannot enter ends it with 126 and a line in its stderr', async t => {
      const done = await cli(t, ['exec', '--dir', '/no/such/place', '--follow', '--', 'true'], daemon)
      t.equal(done.code, 126)
      t.match(done.stderr, /\/no\/such\/place/)
    })
  })
