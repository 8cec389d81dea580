import { Buffer } from 'node:buffer'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Dial } from '../../lib/base/wire.js'
import { startBench, tempDir } from '../helpers/worker-bench.js'

const sh = (script: string): string[] => ['sh', '-c', script]

/** Breaks each of the first `cuts` connections after some of its bytes were sent. */
function cuttingDial(dial: Dial, cuts: number, bytesOf: (cut: number) => number): { dial: Dial; done(): number } {
  let cut = 0
  return {
    done: () => cut,
    dial: async address => {
      const wire = await dial(address)
      if (cut >= cuts) return wire
      let left = bytesOf(cut++)
      return {
        ...{
          pause: () => wire.pause(),
          resume: () => wire.resume(),
          end: () => wire.end(),
          destroy: () => wire.destroy(),
        },
        listen: handlers => wire.listen(handlers),
        write(bytes) {
          const part = bytes.subarray(0, Math.max(0, left))
          left -= bytes.length
          const more = part.length > 0 && wire.write(part)
          if (left <= 0) setImmediate(() => wire.destroy())
          return more
        },
      }
    },
  }
}

t.test('every byte arrives once, however often the connections break', async t => {
  const bench = await startBench(t)
  // The first connection must live long enough for the grant; the rest break where it hurts, small and large.
  const sizes = [5_000, 300_000, 1_500, 700_000, 2_500, 1_000_000, 1_200, 500_000, 3_000, 900_000, 4_000, 2_000_000]
  const { dial, done } = cuttingDial(bench.daemon.dial, sizes.length, cut => sizes[cut] ?? 0)
  const command = sh('seq 1 400000; echo err >&2; head -c 3000000 /dev/urandom | tee $JANKINS_ARTIFACTS/random | cksum')
  const job = await bench.exec({ command })
  const { result } = await bench.work({ dial, mode: { kind: 'once', wait: true } })
  await result
  const ended = await bench.ended(job)
  t.match(ended, { state: 'COMPLETE', exitCode: 0 })
  const log = String(await bench.log(job))
  t.equal(log.replace(/\d+ 3000000\n$/, ''), Array.from({ length: 400_000 }, (_, index) => `${index + 1}\n`).join(''))
  t.equal(String(await bench.log(job, 'stderr')), 'err\n')
  t.ok(ended.artifactBytes > 3_000_000)
  t.ok(done() >= 8, `${done()} connections were broken`)
})

t.test('what a job writes while it runs can be read while it runs', async t => {
  const bench = await startBench(t)
  const job = await bench.exec({ command: sh('echo first; while [ ! -e go ]; do sleep 0.02; done; echo second') })
  const { result } = await bench.work()
  const seen = await bench.admin.call('job.log', { job, stream: 'stdout', offset: 0, bytesMax: 100, waitMs: 30_000 })
  t.equal(Buffer.concat(seen.chunks.map(({ data }) => data)).toString(), 'first\n')
  t.notOk(seen.ended)
  await bench.admin.call('job.stop', { job })
  await result
})

t.test('a job that empties its own log by > /dev/stderr keeps what was shipped, and its end arrives', async t => {
  const bench = await startBench(t)
  const go = join(await tempDir(t), 'go')
  const script =
    'echo one >&2; while [ ! -e "$GO" ]; do sleep 0.02; done; echo two > /dev/stderr; echo three >&2; exit 3'
  const job = await bench.exec({ command: sh(script), environment: [['GO', go]] })
  const { result } = await bench.work()
  await bench.admin.call('job.log', { job, stream: 'stderr', offset: 0, bytesMax: 100, waitMs: 30_000 })
  writeFileSync(go, '')
  await result
  t.match(await bench.ended(job), { state: 'COMPLETE', exitCode: 3 })
  t.equal(String(await bench.log(job, 'stderr')), 'one\ntwo\nthree\n')
})

t.test('a worker with several slots runs each of many jobs exactly once', async t => {
  const bench = await startBench(t)
  const jobs = await Promise.all(Array.from({ length: 40 }, () => bench.exec({ command: sh('echo $JANKINS_JOB') })))
  const working = await bench.work({ mode: { kind: 'loop' }, slots: 4 })
  for (const job of jobs) {
    t.match(await bench.ended(job), { state: 'COMPLETE', attempt: 1, exitCode: 0 })
    t.equal(String(await bench.log(job)), `${job}\n`)
  }
  working.drain()
  t.strictSame(await working.result, { kind: 'done', ranJob: true })
  t.equal(working.ends.length, jobs.length)
})

t.test('a worker that drains lets its jobs end and takes no other', async t => {
  const bench = await startBench(t)
  const go = join(await tempDir(t), 'go')
  const command = sh('echo begun; while [ ! -e "$GO" ]; do sleep 0.02; done; echo done')
  const first = await bench.exec({ command, environment: [['GO', go]] })
  const second = await bench.exec({ command: ['true'] })
  const working = await bench.work({ mode: { kind: 'loop' } })
  await bench.admin.call('job.log', { job: first, stream: 'stdout', offset: 0, bytesMax: 100, waitMs: 30_000 })
  working.drain()
  writeFileSync(go, '')
  await working.result
  t.match(await bench.ended(first), { state: 'COMPLETE', exitCode: 0 })
  t.equal((await bench.admin.call('job.query', { jobs: [second] })).jobs[0]?.state, 'PENDING')
})

t.test('a worker that is told twice stops its jobs', async t => {
  const bench = await startBench(t)
  const job = await bench.exec({ command: sh('echo begun; sleep 600') })
  const working = await bench.work({ mode: { kind: 'loop' } })
  await bench.admin.call('job.log', { job, stream: 'stdout', offset: 0, bytesMax: 100, waitMs: 30_000 })
  working.drain()
  working.stop()
  await working.result
  t.match(await bench.ended(job), { state: 'CANCELLED', reason: 'stopped', signal: 'SIGTERM' })
})

t.test('asking once without a job says so; a polling worker finds what was queued later', async t => {
  const bench = await startBench(t)
  const once = await bench.work({ mode: { kind: 'once', wait: false } })
  t.strictSame(await once.result, { kind: 'done', ranJob: false })
  const polling = await bench.work({ mode: { kind: 'poll', everyMs: 30 } })
  const job = await bench.exec({ command: ['true'] })
  t.match(await bench.ended(job), { state: 'COMPLETE', exitCode: 0 })
  polling.drain()
  await polling.result
})
