import { closeSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Client } from '../../lib/client/connection.js'
import { openReader } from '../../lib/store/open.js'
import type { JobId } from '../../protocol/ids.js'
import { quietPort } from '../helpers/ports.js'
import { connectAs, startCli, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { nameOf, until } from '../helpers/worker-bench.js'

const OTHER_BOOT = '33333333-3333-4333-8333-333333333333\n'
/** Enough to be synced in part while the job runs. */
const LINES = 4_000_000

t.test('a log is whole and never wrong after the power went, whatever the disk kept of it', async t => {
  const daemon = await startDaemon(t, { args: ['--port', String(await quietPort())] })
  const { address, dataDir, env, password } = daemon
  const admin = await daemon.connect()
  const go = join(temporaryDirectory(t), 'go')
  const script = `seq 1 ${LINES}; seq 1 1000 >&2; while [ ! -e ${go} ]; do sleep 0.1; done; echo end`
  const { job } = await admin.call('job.exec', { command: ['sh', '-c', script], key: 'power-loss' })
  startCli(t, ['work', '--name', 'box', '--dir', join(temporaryDirectory(t), 'state')], { env })
  const wanted = Buffer.from(Array.from({ length: LINES }, (_, index) => `${index + 1}\n`).join(''))
  const path = join(dataDir, 'logs', '0', String(job))
  const durable = async () => (await stateOf(dataDir)).find(running => running.job === job)
  await until('all of it has arrived', () => sizeOf(`${path}.stdout`) === wanted.length && sizeOf(`${path}.stderr`) > 0)
  await until('some of it is on the disk', async () => ((await durable())?.durableStdoutBytes ?? 0) > 0)

  await daemon.stop('SIGKILL')
  const { durableStdoutBytes = 0, durableStderrBytes = 0 } = (await durable()) ?? {}
  t.ok(durableStdoutBytes < wanted.length, `${durableStdoutBytes} of ${wanted.length} bytes are durable`)
  // The length of a file may survive without its bytes.
  zeroFrom(`${path}.stdout`, durableStdoutBytes)
  zeroFrom(`${path}.stderr`, durableStderrBytes)
  writeFileSync(join(dataDir, 'boot-id'), OTHER_BOOT)
  const again = await startDaemon(t, { dataDir, args: ['--port', String(address.port)] })
  const client = await connectAs(address, { user: nameOf('admin'), password })
  t.teardown(() => client.destroy())
  t.ok(
    (await readLog(client, job)).every(byte => byte !== 0),
    'nobody is shown what was never written',
  )
  t.ok(await again.said(/logs of running jobs were cut/))

  writeFileSync(go, '')
  const { job: view } = await client.call('job.wait', { job, waitMs: 60_000 })
  t.match(view, { state: 'COMPLETE', exitCode: 0, attempt: 1 })
  t.ok(Buffer.concat([wanted, Buffer.from('end\n')]).equals(await readLog(client, job)), 'the log is whole')
})

async function stateOf(dataDir: string) {
  const reader = openReader(dataDir)
  try {
    return (await reader.readDispatchState()).running
  } finally {
    reader.close()
  }
}

function zeroFrom(path: string, offset: number): void {
  const bytes = sizeOf(path) - offset
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(bytes), 0, bytes, offset)
  closeSync(file)
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

async function readLog(client: Client, job: JobId): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let offset = 0; ; ) {
    const { chunks, next } = await client.call('job.log', { job, stream: 'stdout', offset, bytesMax: 262_144 })
    for (const { data } of chunks) pieces.push(Buffer.from(data))
    if (next === offset) return Buffer.concat(pieces)
    offset = next
  }
}
