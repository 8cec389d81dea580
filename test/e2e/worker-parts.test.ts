import { readdir, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Dial, Wire } from '../../lib/base/wire.js'
import { ConnectionLostError } from '../../lib/client/connection.js'
import { startBench, until } from '../helpers/worker-bench.js'

t.jobs = 2
/** More than the three chunks that are sent before the first is answered: the daemon has stored that one by then. */
const CUT_AT_BYTES = 4_000_000

/** Breaks when so many bytes have gone to the daemon, and stays so until it is mended. */
function breakingLine(dial: Dial): { readonly dial: Dial; isCut(): boolean; mend(): void } {
  const wires: Wire[] = []
  let leftBytes = CUT_AT_BYTES
  let isMended: boolean = false
  const isCut = (): boolean => leftBytes <= 0 && !isMended
  return {
    isCut,
    mend() {
      isMended = true
    },
    async dial(address) {
      if (isCut()) throw new ConnectionLostError('the line is cut')
      const wire = await dial(address)
      wires.push(wire)
      return {
        ...{ pause: () => wire.pause(), resume: () => wire.resume(), end: () => wire.end() },
        destroy: () => wire.destroy(),
        listen: handlers => wire.listen(handlers),
        write(bytes) {
          leftBytes -= bytes.length
          if (isCut()) for (const each of wires) each.destroy()
          return isCut() ? false : wire.write(bytes)
        },
      }
    },
  }
}

/** Runs a job whose upload of artifacts breaks in the middle. */
async function breakUpload(t: Test, leaseMs: number) {
  const bench = await startBench(t)
  const line = breakingLine(bench.daemon.dial)
  const command = ['sh', '-c', 'head -c 8000000 /dev/urandom >"$JANKINS_ARTIFACTS/random"']
  const job = await bench.exec({ command, leaseMs })
  const working = await bench.work({ dial: line.dial })
  await until('the line is cut', line.isCut)
  const parts = async () =>
    (await readdir(join(bench.daemon.dataDir, 'artifacts/parts'))).filter(name => !name.startsWith('.'))
  t.strictSame(await parts(), [`${job}.part`])
  const stateNow = async () => (await bench.admin.call('job.query', { jobs: [job] })).jobs[0]?.state
  const over = () => until('the job has ended', async () => (await stateNow()) !== 'RUNNING')
  const attempts = () => readdir(join(bench.stateDir, 'attempts'))
  return { bench, job, line, working, parts, over, attempts }
}

t.test('a lease that ends during the upload of artifacts leaves nothing of them, at either side', async t => {
  const { bench, job, line, working, parts, over, attempts } = await breakUpload(t, 6_000)
  await over()
  t.match(await bench.ended(job), { state: 'TIMEOUT', reason: 'worker-lost', artifactBytes: 0 })
  t.strictSame(await parts(), [])
  line.mend()
  await working.result
  t.strictSame(await attempts(), [])
  t.strictSame(await parts(), [])
})

t.test('a job that is stopped during the upload of its artifacts leaves no part of them', async t => {
  const { bench, job, line, working, parts, over, attempts } = await breakUpload(t, 60_000)
  await bench.admin.call('job.stop', { job })
  line.mend()
  await over()
  // Its processes had ended by themselves: the artifacts are whole.
  t.match(await bench.ended(job), { exitCode: 0, attempt: 1 })
  await working.result
  t.strictSame(await parts(), [])
  t.strictSame(await attempts(), [])
})

t.test(
  'artifacts that change while they are sent are not kept, the job says so, and no part of them stays',
  async t => {
    const { bench, job, line, working, parts, over, attempts } = await breakUpload(t, 60_000)
    const [attempt] = await attempts()
    await truncate(join(bench.stateDir, 'attempts', attempt as string, 'artifacts/random'), 1_000)
    line.mend()
    await over()
    t.match(await bench.ended(job), { state: 'COMPLETE', exitCode: 1, attempt: 1, artifactBytes: 0 })
    t.match(String(await bench.log(job, 'stderr')), /the artifacts were not kept/)
    t.strictSame(await parts(), [])
    await working.result
    t.strictSame(await attempts(), [])
  },
)
