import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import type { Address } from '../../lib/base/wire.js'
import { FrameDecoder } from '../../protocol/frame.js'
import { decodeMessage } from '../../protocol/message.js'
import { startCli, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { until } from '../helpers/worker-bench.js'

interface Beat {
  readonly atMs: number
  readonly leases: number
}

/** Stands between a worker and the daemon, hands every byte on, and notes the beats that come by. */
async function recordBeats(t: Test, daemon: Address): Promise<{ port: number; beats: readonly Beat[] }> {
  const beats: Beat[] = []
  const server = createServer(near => {
    const far = connect(daemon.port, daemon.host)
    const decoder = new FrameDecoder(64 * 1024 * 1024)
    near.on('data', (chunk: Buffer) => {
      far.write(chunk)
      decoder.push(Buffer.from(chunk))
      for (let body = decoder.next(); body; body = decoder.next()) {
        const message = decodeMessage(body)
        if (message.kind !== 'request' || message.method !== 'worker.beat') continue
        beats.push({ atMs: systemClock.monotonicMs(), leases: (message.params as { leases: unknown[] }).leases.length })
      }
    })
    far.on('data', chunk => near.write(chunk))
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const)
      from.on('close', () => to.destroy()).on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, beats }
}

/** As many in a row tell how often a worker beats. */
const ROW = 7

const median = (beats: readonly Beat[]): number => {
  const gaps = beats.slice(1).map((beat, index) => beat.atMs - beats[index]!.atMs)
  return gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)]!
}

/**
 * Waits for a row of beats, after the first `from`, that come every 500 ms or so: a machine that is busy with other
 * things delays some, but a beat every second, or ten times each, never becomes one.
 */
async function steadyRow(what: string, beats: readonly Beat[], from: number): Promise<readonly Beat[]> {
  const row = (): readonly Beat[] => beats.slice(from).slice(-ROW)
  const isSteady = (): boolean => row().length === ROW && median(row()) > 350 && median(row()) < 800
  await until(`${what} it beats every 500 ms`, isSteady)
  return row()
}

t.test('a worker beats every 500 ms, idle and with a job that fills the line', async t => {
  const daemon = await startDaemon(t)
  const admin = await daemon.connect()
  const { port, beats } = await recordBeats(t, daemon.address)
  const args = ['work', '--name', 'box', '--dir', join(temporaryDirectory(t), 'state'), '--server', `127.0.0.1:${port}`]
  const worker = startCli(t, args, { env: daemon.env })
  const idle = await steadyRow('idle', beats, 0)
  t.ok(idle.every(({ leases }) => leases === 0))
  const { job } = await admin.call('job.exec', {
    command: ['sh', '-c', 'exec yes'],
    key: 'beat-key-1',
    logLimitBytes: 200_000_000,
  })
  await until('the job is in the beats', () => beats.some(({ leases }) => leases === 1))
  const busy = await steadyRow('busy', beats, beats.length)
  t.ok(busy.every(({ leases }) => leases === 1))
  await admin.call('job.stop', { job })
  t.match((await admin.call('job.wait', { job, waitMs: 60_000 })).job, { state: 'CANCELLED' })
  worker.child.kill('SIGTERM')
  t.equal((await worker.ended).code, 0)
})
