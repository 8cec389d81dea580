import { closeSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Client } from '../../lib/client/connection.js'
import { openReader } from '../../lib/store/open.js'
import type { Stream } from '../../protocol/fields.js'
import type { JobId } from '../../protocol/ids.js'
import { quietPort } from '../helpers/ports.js'
import { connectAs, type DaemonProcess, startCli, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { endOf, nameOf, until } from '../helpers/worker-bench.js'

const OTHER_BOOT = '33333333-3333-4333-8333-333333333333\n'
/** Enough to be synced in part while the job runs. */
const LINES = 4_000_000
const WANTED = Buffer.from(Array.from({ length: LINES }, (_, index) => `${index + 1}\n`).join(''))

const wait = (file: string): string => `while [ ! -e ${file} ]; do sleep 0.1; done`

t.test('a log is whole and never wrong after the power went, whatever the disk kept of it', async t => {
  const go = join(temporaryDirectory(t), 'go')
  const { daemon, job, path, onRecord } = await startJob(t, `seq 1 ${LINES}; seq 1 1000 >&2; ${wait(go)}; echo end`)
  await until('all of it has arrived', () => sizeOf(`${path}.stdout`) === WANTED.length && sizeOf(`${path}.stderr`) > 0)
  await until('some of it is on the disk', async () => (await onRecord()).stdout > 0)

  await daemon.stop('SIGKILL')
  const durable = await onRecord()
  t.ok(durable.stdout < WANTED.length, `${durable.stdout} of ${WANTED.length} bytes are durable`)
  losePower(daemon, path, durable)
  const { again, client } = await startAgain(t, daemon)
  t.ok(
    (await readLog(client, job, 'stdout')).every(byte => byte !== 0),
    'nobody is shown what was never written',
  )
  t.ok(await again.said(/logs of running jobs were cut/))

  writeFileSync(go, '')
  const view = await endOf(client, job)
  t.match(view, { state: 'COMPLETE', exitCode: 0, attempt: 1 })
  t.ok(Buffer.concat([WANTED, Buffer.from('end\n')]).equals(await readLog(client, job, 'stdout')), 'the log is whole')
})

t.test('what was durable before a restart of the daemon is so after a power loss behind it', async t => {
  const dir = temporaryDirectory(t)
  const [more, go] = [join(dir, 'more'), join(dir, 'go')]
  const script = `seq 1 ${LINES}; ${wait(more)}; seq 1 ${LINES} >&2; ${wait(go)}`
  const { daemon, job, path, onRecord } = await startJob(t, script)
  await until('stdout has arrived', () => sizeOf(`${path}.stdout`) === WANTED.length)
  await until('some of it is on the disk', async () => (await onRecord()).stdout > 0)
  await daemon.stop('SIGKILL')
  const before = await onRecord()

  const { again } = await startAgain(t, daemon)
  writeFileSync(more, '')
  await until('stderr has arrived', () => sizeOf(`${path}.stderr`) === WANTED.length)
  await until('some of it is on the disk', async () => (await onRecord()).stderr > 0)
  await again.stop('SIGKILL')
  const durable = await onRecord()
  t.ok(durable.stdout >= before.stdout, `${durable.stdout} of ${before.stdout} bytes are on record still`)
  losePower(daemon, path, durable)

  const { client } = await startAgain(t, daemon)
  writeFileSync(go, '')
  const view = await endOf(client, job)
  t.match(view, { state: 'COMPLETE', exitCode: 0, attempt: 1 })
  for (const stream of ['stdout', 'stderr'] as const)
    t.ok(WANTED.equals(await readLog(client, job, stream)), `${stream} is whole`)
})

type Lengths = { readonly [S in Stream]: number }

/** A daemon, a worker, and a job of this script. */
async function startJob(t: Test, script: string) {
  const daemon = await startDaemon(t, { args: ['--port', String(await quietPort())] })
  const { dataDir, env } = daemon
  const admin = await daemon.connect()
  const { job } = await admin.call('job.exec', { command: ['sh', '-c', script], key: 'power-loss' })
  startCli(t, ['work', '--name', 'box', '--dir', join(temporaryDirectory(t), 'state')], { env })
  const onRecord = async (): Promise<Lengths> => {
    const found = (await stateOf(dataDir)).find(running => running.job === job)
    return { stdout: found?.durableStdoutBytes ?? 0, stderr: found?.durableStderrBytes ?? 0 }
  }
  return { daemon, job, onRecord, path: join(dataDir, 'logs', '0', String(job)) }
}

/** The length of a file may survive without its bytes. */
function losePower({ dataDir }: DaemonProcess, path: string, durable: Lengths): void {
  zeroFrom(`${path}.stdout`, durable.stdout)
  zeroFrom(`${path}.stderr`, durable.stderr)
  writeFileSync(join(dataDir, 'boot-id'), OTHER_BOOT)
}

async function startAgain(t: Test, { address, dataDir, password }: DaemonProcess) {
  const again = await startDaemon(t, { dataDir, args: ['--port', String(address.port)] })
  const client = await connectAs(address, { user: nameOf('admin'), password })
  t.teardown(() => client.destroy())
  return { again, client }
}

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

async function readLog(client: Client, job: JobId, stream: Stream): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let offset = 0; ; ) {
    const { chunks, next } = await client.call('job.log', { job, stream, offset, bytesMax: 262_144 })
    for (const { data } of chunks) pieces.push(Buffer.from(data))
    if (next === offset) return Buffer.concat(pieces)
    offset = next
  }
}
