import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { temporaryDirectory } from '../helpers/processes.js'
import { mountSmallDisk, noSmallDisk } from '../helpers/small-disk.js'
import { ended, running, sh, stage } from '../helpers/worker-stage.js'

/** Of a job that waits until it is let go. */
const untilThere = (flag: string, then = 'exit 6'): string[] =>
  sh(`while [ ! -e ${flag} ]; do sleep 0.05; done; ${then}`)

t.test(
  'what cannot be removed of an earlier job does not keep a worker from its running ones',
  { skip: noSmallDisk() },
  async t => {
    const { admin, exec, worker, stateDir } = await stage(t)
    const flag = join(temporaryDirectory(t), 'go')
    const job = await exec({ command: untilThere(flag) })
    const first = worker()
    await running(admin, job)
    first.child.kill('SIGKILL')
    await first.ended
    const attempts = join(stateDir, 'attempts')
    const mounted = join(attempts, '9-1-00000000', 'workspace', 'mounted')
    mkdirSync(mounted, { recursive: true })
    mountSmallDisk(t, 1, mounted)
    writeFileSync(join(attempts, 'stray'), 'a note of somebody')
    const second = worker()
    await second.said(/adopting a job/)
    writeFileSync(flag, '')
    t.match(await ended(admin, job), { state: 'COMPLETE', exitCode: 6, attempt: 1 })
    t.ok(existsSync(mounted))
    t.ok(existsSync(join(attempts, 'stray')))
    second.child.kill('SIGTERM')
    const { code, stderr } = await second.ended
    t.equal(code, 0)
    t.match(stderr, /9-1-00000000.*was not removed/)
  },
)
