import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import { makeAttempt } from '../../lib/worker/machine/attempt-directory.js'
import type { GrantRecord } from '../../lib/worker/ports.js'
import { cgroupOf, emptyCgroup, endCgroup, findDelegatedCgroup, makeCgroup } from '../../lib/worker/tree/cgroup.js'
import { tempDir } from '../helpers/worker-bench.js'

/** A group with a process in it, and one in a group below. Null where none can be made. */
async function populated(t: Test): Promise<{ dir: string; gone: Promise<unknown> } | null> {
  const delegated = await findDelegatedCgroup()
  if (delegated === undefined) {
    t.comment('skipped: no cgroup (version 2) is writable here')
    return null
  }
  const dir = cgroupOf(delegated, `test-${process.pid}`)
  await makeCgroup(join(dir, 'below'))
  const put = (child: ChildProcess, group: string): void => writeFileSync(join(group, 'cgroup.procs'), `${child.pid}`)
  const children = [dir, join(dir, 'below')].map(group => {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' })
    t.teardown(() => child.kill('SIGKILL'))
    put(child, group)
    return once(child, 'exit')
  })
  return { dir, gone: Promise.all(children) }
}

t.test('a group is emptied with all that is below, and removed only when that is asked for', async t => {
  const group = await populated(t)
  if (!group) return
  const { dir, gone } = group
  t.equal(await emptyCgroup(dir, systemClock), true)
  await gone
  t.ok(existsSync(join(dir, 'below')))
  t.equal(await endCgroup(dir, systemClock), true)
  t.notOk(existsSync(dir))
  t.equal(await emptyCgroup(dir, systemClock), true, 'it is gone')
  t.equal(await endCgroup(dir, systemClock), true, 'it is gone')
})

t.test('a group is ended at once too', async t => {
  const group = await populated(t)
  if (!group) return
  t.equal(await endCgroup(group.dir, systemClock), true)
  await group.gone
  t.notOk(existsSync(group.dir))
})

t.test('the directory of an attempt stays as long as what is noted in it', async t => {
  const dir = join(await tempDir(t), 'attempt')
  const home = { bootId: 'boot', open: new Set<never>(), punchHole: async () => false }
  const attempt = await makeAttempt(dir, {} as GrantRecord, home)
  const group = join(await tempDir(t), 'group')
  mkdirSync(group)
  let removeGroup: () => void = () => {}
  attempt.removeAfter(new Promise<void>(resolve => (removeGroup = resolve)).then(() => rmdirSync(group)))
  const removed = attempt.remove().then(() => t.notOk(existsSync(group)))
  await new Promise(resolve => setImmediate(resolve))
  t.ok(existsSync(join(dir, 'grant')))
  removeGroup()
  await removed
  t.notOk(existsSync(dir))
})
