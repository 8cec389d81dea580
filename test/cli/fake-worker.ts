import { Buffer } from 'node:buffer'
import { createHash, randomUUID } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Clock } from '../../lib/base/clock.js'
import type { Client } from '../../lib/client/connection.js'
import type { Part } from '../../protocol/fields.js'
import { type ClaimId, type InstanceId, type Name, parseSha256, type Sha256 } from '../../protocol/ids.js'
import type { Params } from '../../protocol/methods.js'
import type { Grant } from '../../protocol/views.js'
import { until } from '../helpers/clock.js'
import type { TestDaemon } from '../helpers/daemon.js'

const hex32 = (): string => randomUUID().replaceAll('-', '')

export interface RunningJob {
  readonly grant: Grant
  append(part: Part, data: string | Uint8Array): Promise<void>
  finish(end?: Partial<Params<'job.finish'>>): Promise<void>
}

/** A worker that is told by the test what its jobs do: no process, no file, no heartbeat. */
export async function fakeWorker(daemon: TestDaemon<Clock>, name = 'w', labels: readonly string[] = []) {
  const client = await daemon.client('worker')
  await client.call('worker.attach', {
    worker: name as Name,
    instance: hex32() as InstanceId,
    labels: labels as readonly Name[],
    slots: 10,
    version: 'test',
  })
  return {
    client,
    /** Takes the next job; fails the test when none comes. */
    async take(): Promise<RunningJob> {
      let grant: Grant | undefined
      await until(async () => {
        // Anew each second: without a beat a claim that waits longer is passed over.
        grant = (await client.call('job.claim', { claim: hex32() as ClaimId, waitMs: 1_000 })).grant
        return grant !== undefined
      }, 'a job is granted')
      if (!grant) throw new Error('no job was granted')
      await client.call('job.acknowledge', { job: grant.job, lease: grant.lease })
      await client.call('job.started', { job: grant.job, lease: grant.lease, pid: 4_711 })
      return runningJob(client, grant)
    },
  }
}

function runningJob(client: Client, grant: Grant): RunningJob {
  const { job, lease } = grant
  const parts = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), artifacts: Buffer.alloc(0) }
  const stream = (part: Part) => ({ bytes: parts[part].length, crc32: crc32(parts[part]) })
  return {
    grant,
    async append(part, data) {
      const bytes = Buffer.from(data)
      const offset = parts[part].length
      parts[part] = Buffer.concat([parts[part], bytes])
      for (let at = 0; at < bytes.length; at += 262_144)
        await client.call('job.append', {
          job,
          lease,
          part,
          offset: offset + at,
          data: bytes.subarray(at, at + 262_144),
        })
    },
    async finish(end = { exitCode: 0 }) {
      const sha256 = parseSha256(createHash('sha256').update(parts.artifacts).digest('hex')) as Sha256
      await client.call('job.finish', {
        ...{ job, lease, stdout: stream('stdout'), stderr: stream('stderr') },
        ...(parts.artifacts.length > 0 && { artifacts: { bytes: parts.artifacts.length, sha256 } }),
        ...end,
      })
    },
  }
}
