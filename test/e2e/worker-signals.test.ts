import t from 'tap'
import { findPidNamespace } from '../../lib/worker/machine/namespace.js'
import { startBench } from '../helpers/worker-bench.js'

/** Those that a program may handle and be sent together with its whole group. */
const SIGNALS = 'TERM INT HUP QUIT ABRT ALRM PIPE USR1 USR2 VTALRM PROF XCPU XFSZ IO'

const sh = (script: string): string[] => ['sh', '-c', script]

const WAYS = [
  ['by a shell that waits', { shellsAhead: 1 }],
  ['by a shell of its own', { shellsAhead: 0 }],
  ['in a namespace', { usePidNamespace: true }],
] as const

for (const [how, way] of WAYS) {
  const skip = 'usePidNamespace' in way && !(await findPidNamespace()) && 'no pid namespace can be made here'

  t.test(`a job that is run ${how} may send its group what it handles itself`, { skip }, async t => {
    const bench = await startBench(t)
    const handle = `for each in ${SIGNALS}; do trap "echo $each" $each; done`
    const send = `for each in ${SIGNALS}; do kill -$each 0; done`
    const job = await bench.exec({ command: sh(`${handle}; ${send}; exit 7`) })
    await (await bench.work(way)).result
    const { state, exitCode, reason } = await bench.ended(job)
    t.strictSame({ state, exitCode, reason }, { state: 'COMPLETE', exitCode: 7, reason: undefined })
    t.equal(String(await bench.log(job)), `${SIGNALS.replaceAll(' ', '\n')}\n`)
  })

  t.test(`a job that is run ${how} ends by what it does not handle`, { skip }, async t => {
    const bench = await startBench(t)
    const job = await bench.exec({ command: sh('cat /proc/self/status; kill -USR1 0; sleep 600') })
    await (await bench.work(way)).result
    t.match(await bench.ended(job), { state: 'COMPLETE', exitCode: 138 })
    t.match(String(await bench.log(job)), /^SigIgn:\t0+\nSigCgt:\t0+\n/m, 'nothing is ignored, nothing caught')
  })
}
