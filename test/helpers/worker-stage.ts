import { join } from 'node:path'
import type { Test } from 'tap'
import type { Client } from '../../lib/client/connection.js'
import { readStat } from '../../lib/worker/machine/proc.js'
import type { JobId } from '../../protocol/ids.js'
import type { JobView } from '../../protocol/views.js'
import {
  type DaemonOptions,
  type DaemonProcess,
  type Running,
  startCli,
  startDaemon,
  temporaryDirectory,
} from './processes.js'
import { until } from './worker-bench.js'

/** A daemon, and a directory for the workers of one name: real processes, which are to be killed. */
export interface Stage {
  readonly daemon: DaemonProcess
  readonly admin: Client
  readonly stateDir: string
  worker(...args: string[]): Running
  exec(definition: { command: string[]; leaseMs?: number; graceMs?: number; timeLimitMs?: number }): Promise<JobId>
}

export async function stage(t: Test, options: DaemonOptions = {}): Promise<Stage> {
  const daemon = await startDaemon(t, options)
  const admin = await daemon.connect()
  const stateDir = join(temporaryDirectory(t), 'state')
  let keys = 0
  return {
    ...{ daemon, admin, stateDir },
    worker: (...args) => startCli(t, ['work', '--name', 'box', '--dir', stateDir, ...args], { env: daemon.env }),
    async exec(definition) {
      return (await admin.call('job.exec', { ...definition, key: `life-key-${++keys}` })).job
    },
  }
}

/** A command of a job. */
export const sh = (script: string): string[] => ['sh', '-c', script]

/** What the job of this client's daemon is now. */
const view = async (admin: Client, job: JobId): Promise<JobView> =>
  (await admin.call('job.query', { jobs: [job] })).jobs[0]!

/** Resolves with the pid of its shell. */
export async function running(admin: Client, job: JobId): Promise<number> {
  await until(`job ${job} runs`, async () => (await view(admin, job)).pid !== undefined)
  return (await view(admin, job)).pid!
}

export const isGone = (pid: number): boolean => (readStat(pid)?.state ?? 'X') === 'X' || readStat(pid)?.state === 'Z'
