import { randomUUID } from 'node:crypto'
import type { Client } from '../../lib/client/connection.js'
import type { JobId, Name } from '../../protocol/ids.js'
import { ACTION } from '../load/queue.js'

const WAIT_MS = 60_000

export async function queueJobs(client: Client, count = 1, action = ACTION): Promise<readonly JobId[]> {
  const { jobs } = await client.call('job.queue', { action: action as Name, key: randomUUID(), count })
  return jobs
}

/** Resolves when all of them are COMPLETE with exit code 0. @throws Error when one ended otherwise, or not in time */
export async function allComplete(client: Client, jobs: readonly JobId[]): Promise<void> {
  const ended = await Promise.all(jobs.map(job => client.call('job.wait', { job, waitMs: WAIT_MS })))
  for (const { job } of ended)
    if (job.state !== 'COMPLETE' || job.exitCode !== 0)
      throw new Error(`job ${job.job} is ${job.state} ${job.exitCode}`)
}
