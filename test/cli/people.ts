import type { Test } from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import type { Role } from '../../protocol/fields.js'
import { startDaemonInProcess } from '../helpers/daemon.js'
import { fakeWorker } from './fake-worker.js'
import { commandLine, type RunOptions } from './harness.js'

/** A daemon in this process, and command lines of people at its shell. */
export async function setUp(t: Test) {
  const daemon = await startDaemonInProcess(t, { clock: systemClock })
  const { run, credentials } = commandLine(t, daemon.dial)
  /** Makes an account and runs command lines as it, by its password. */
  const as = async (role: Role, options: { user?: string; mayExec?: boolean } = {}) => {
    const { user } = await daemon.login(role, options)
    const env = { JANKINS_USER: user, JANKINS_PASSWORD: `password of ${user}` }
    return (argv: readonly string[], more: RunOptions = {}) => run(argv, { ...more, env: { ...env, ...more.env } })
  }
  return { daemon, run, credentials, as }
}

/** An admin's shell with an action `a`, and a worker. */
export async function setUpWithWorker(t: Test) {
  const { daemon, as } = await setUp(t)
  const run = await as('admin')
  await run(['add-action', 'a', '--', 'true'])
  return { daemon, run, as, worker: await fakeWorker(daemon) }
}
