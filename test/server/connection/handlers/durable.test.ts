import { crc32 } from 'node:zlib'
import t from 'tap'
import type { Client } from '../../../../lib/client/connection.js'
import type { Writer } from '../../../../lib/server/writer/writer.js'
import type { Stream } from '../../../../protocol/fields.js'
import { LIMITS } from '../../../../protocol/limits.js'
import { startDaemonInProcess, type TestDaemon } from '../../../helpers/daemon.js'
import { type Running, runJob } from '../running.js'

t.test('a length is told as durable only when a start after a power loss would cut to no less', async t => {
  let note: () => void = () => {}
  const noted = new Promise<void>(resolve => {
    note = resolve
  })
  let asked: () => void = () => {}
  const isAsked = new Promise<void>(resolve => {
    asked = resolve
  })
  const slow = (writer: Writer): Writer => ({
    ...writer,
    async noteDurableLengths(...args) {
      asked()
      await noted
      await writer.noteDurableLengths(...args)
    },
  })
  const daemon = await startDaemonInProcess(t, { writer: slow })
  const { worker, held } = await runJob(daemon)
  const data = Buffer.alloc(LIMITS.chunkBytesMax.value, 'x')
  let offset = 0
  const append = async (): Promise<number> => {
    const { length, durableLength } = await worker.call('job.append', { ...held, part: 'stdout', offset, data })
    offset = length
    return durableLength
  }
  let isSynced: boolean = false
  void isAsked.then(() => {
    isSynced = true
  })
  while (!isSynced) t.equal(await append(), 0, `${offset} bytes`)
  t.equal(await append(), 0, 'synced, and not on record')
  note()
  let durable = 0
  while (durable === 0) durable = await append()
  t.ok(durable <= offset)
})

/** Adds to a stream until the worker may free some of it. @returns what was told as durable */
async function fill(worker: Client, held: Running['held'], part: Stream): Promise<number> {
  const data = Buffer.alloc(LIMITS.chunkBytesMax.value, part)
  for (let offset = 0; ; ) {
    const { length, durableLength } = await worker.call('job.append', { ...held, part, offset, data })
    if (durableLength > 0) return durableLength
    offset = length
  }
}

const recordOf = async ({ store }: TestDaemon) => {
  const [running] = (await store.readDispatchState()).running
  return { stdout: running?.durableStdoutBytes ?? 0, stderr: running?.durableStderrBytes ?? 0 }
}

t.test('a daemon that starts again forgets nothing of what it has told as durable', async t => {
  const dataDir = t.testdir()
  const first = await startDaemonInProcess(t, { dataDir })
  const { worker, held, login } = await runJob(first)
  const told = await fill(worker, held, 'stdout')
  const before = await recordOf(first)
  t.ok(before.stdout >= told)
  await first.stop()

  const second = await startDaemonInProcess(t, { dataDir })
  const again = await second.client(login)
  await again.call('job.resume', held)
  const toldToo = await fill(again, held, 'stderr')
  const after = await recordOf(second)
  t.equal(after.stdout, before.stdout, 'of the stream that did not grow')
  t.ok(after.stderr >= toldToo)
  const ask = { ...held, part: 'stdout', offset: 0, data: Buffer.alloc(0) } as const
  t.equal((await again.call('job.append', ask)).durableLength, before.stdout)
})

t.test('what is on record is lowered where the file is shorter', async t => {
  const dataDir = t.testdir()
  const daemon = await startDaemonInProcess(t, { dataDir })
  const { worker, held, job, login } = await runJob(daemon)
  await fill(worker, held, 'stdout')
  await daemon.blobs.cutLog({ job, attempt: 1 }, 5, 0)
  const other = await daemon.client(login)
  await other.call('job.resume', held)
  const add = { ...held, part: 'stdout', offset: 5, data: Buffer.alloc(5, 'x') } as const
  t.strictSame(await other.call('job.append', add), { length: 10, durableLength: 0 })
  const { slot } = await daemon.writer.resume(1, job, held.lease)
  t.strictSame(daemon.services.leaseSlots.durable(slot), { stdout: 5, stderr: 0 })
})

t.test('what is on record is lowered where a stream is cut because it is not what its worker sent', async t => {
  const daemon = await startDaemonInProcess(t)
  const { worker, held } = await runJob(daemon)
  await fill(worker, held, 'stdout')
  const offset = await fill(worker, held, 'stderr')
  const before = await recordOf(daemon)
  const { length } = await worker.call('job.append', { ...held, part: 'stdout', offset: 0, data: Buffer.alloc(0) })
  const lengths = await daemon.blobs.lengths({ job: held.job, attempt: 1 })
  t.ok(lengths.stderr >= offset)
  const wrong = { bytes: length, crc32: 1 }
  const whole = { bytes: lengths.stderr, crc32: crc32(Buffer.alloc(lengths.stderr, 'stderr')) }
  await t.rejects(worker.call('job.finish', { ...held, exitCode: 0, stdout: wrong, stderr: whole }), {
    code: 'E_CHECKSUM',
  })
  await daemon.store.commit()
  const after = await recordOf(daemon)
  t.equal(after.stdout, 0)
  t.ok(after.stderr >= before.stderr && after.stderr > 0)
})
