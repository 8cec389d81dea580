import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import AdmZip from 'adm-zip'
import type { ResilientClient } from '../../lib/client/resilient.js'
import type { Stream } from '../../protocol/fields.js'
import type { JobId } from '../../protocol/ids.js'
import type { JobView } from '../../protocol/views.js'
import type { Cluster } from './cluster.js'
import type { Workload } from './workload.js'

/** What is wrong with a job that is COMPLETE: each line one fault. */
export async function faultsOf(workload: Workload, view: JobView): Promise<readonly string[]> {
  const { job } = view
  const faults: string[] = []
  const said = (fault: string): void => void faults.push(`job ${job}: ${fault}`)
  if (view.exitCode !== 0) said(`exit code ${view.exitCode}, ${view.reason}`)
  if (workload.outside(job, 'ran') !== '1\n') said(`ran: ${JSON.stringify(workload.outside(job, 'ran'))}`)
  const lines = Number(workload.outside(job, 'lines'))
  for (const [stream, word] of [
    ['stdout', 'out'],
    ['stderr', 'err'],
  ] as const) {
    const wanted = Array.from({ length: lines }, (_, index) => `${word} ${job} ${index + 1}\n`).join('')
    const log = (await readLog(workload.client, job, stream)).toString()
    if (log !== wanted)
      said(`${stream} has ${log.length} bytes, wanted ${wanted.length}: ${firstDifference(log, wanted)}`)
  }
  const sum = await sumOfArtifact(workload.client, job)
  if (sum !== workload.outside(job, 'sum')?.split(' ')[0]) said(`its artifact has the sum ${sum}`)
  return faults
}

function firstDifference(log: string, wanted: string): string {
  let at = 0
  while (at < log.length && log[at] === wanted[at]) at++
  return `from ${at} on ${JSON.stringify(log.slice(at, at + 40))} for ${JSON.stringify(wanted.slice(at, at + 40))}`
}

async function readLog(client: ResilientClient, job: JobId, stream: Stream): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let offset = 0; ; ) {
    const { chunks, next } = await client.call('job.log', { job, stream, offset, bytesMax: 262_144 })
    for (const { data } of chunks) pieces.push(Buffer.from(data))
    if (next === offset) return Buffer.concat(pieces)
    offset = next
  }
}

async function sumOfArtifact(client: ResilientClient, job: JobId): Promise<string> {
  const pieces: Buffer[] = []
  for (let offset = 0; ; ) {
    const { data, totalBytes } = await client.call('artifact.read', { job, offset, bytesMax: 262_144 })
    pieces.push(Buffer.from(data))
    offset += data.length
    if (offset >= totalBytes) break
  }
  const entry = new AdmZip(Buffer.concat(pieces)).getEntry('random')
  return createHash('sha256')
    .update(entry?.getData() ?? '')
    .digest('hex')
}

/** Files of jobs that the daemon has open. */
export function openFiles({ daemon, dataDir }: Pick<Cluster, 'daemon' | 'dataDir'>): readonly string[] {
  const folder = `/proc/${daemon().child.pid}/fd`
  return readdirSync(folder)
    .map(fd => linkOf(join(folder, fd)))
    .filter(path => path.startsWith(`${dataDir}/`) && /\/(logs|artifacts|bundles)\//.test(path))
}

/** What is on the daemon's disk that no job needs. */
export function temporaryFiles(dataDir: string): readonly string[] {
  return readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).filter(name => /\.(part|new|copy)$/.test(name))
}

/** Processes that carry this text in their environment, but for those named. */
export function processesWith(text: string): readonly number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && environmentOf(name).includes(text))
    .map(Number)
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    return ''
  }
}
