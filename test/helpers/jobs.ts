import type { Test } from 'tap'
import { cli, type DaemonProcess, type Running, startCli, temporaryDirectory } from './processes.js'

/** The daemon gives its connections threads in two ways: what people do must work alike in both. */
export const THREAD_MODES = [
  { threads: 'shared threads', args: ['--threads', '2'] },
  { threads: 'a thread per connection', args: ['--threads', 'per-connection'] },
] as const

/** Defines an action: NAME, options, `--`, command. */
export async function addAction(t: Test, daemon: DaemonProcess, args: readonly string[]): Promise<void> {
  const { code, stderr } = await cli(t, ['add-action', ...args], daemon)
  t.equal(code, 0, `add-action ${args[0]} ${stderr}`)
}

/** Queues one job and returns its id, which is all that `queue` prints. */
export async function queued(t: Test, daemon: DaemonProcess, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await cli(t, ['queue', ...args], daemon)
  t.match(String(stdout), /^\d+\n$/, `queue ${args[0]} ${stderr}`)
  return String(stdout).trim()
}

/** A worker process with a state directory of its own, ended with the test. */
export function startWorker(t: Test, daemon: DaemonProcess, args: readonly string[] = [], env = {}): Running {
  return startCli(t, ['work', '--dir', temporaryDirectory(t), ...args], { env: { ...daemon.env, ...env } })
}
