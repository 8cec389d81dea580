import t from 'tap'
import type { Client } from '../../../../lib/client/connection.js'
import type { Params } from '../../../../protocol/methods.js'
import { settle } from '../../../helpers/clock.js'
import { startDaemonInProcess } from '../../../helpers/daemon.js'
import { EMPTY, NO_JOB, name, newKey, runJob, streamOf, takeJob } from '../running.js'

const code = (text: string) => ({ code: text })

async function read(client: Client, params: Partial<Params<'job.log'>> & Pick<Params<'job.log'>, 'job'>) {
  const result = await client.call('job.log', { stream: 'all', offset: 0, bytesMax: 1_000, ...params })
  return { ...result, chunks: result.chunks.map(({ stream, data }) => `${stream}:${Buffer.from(data)}`) }
}

t.test('job.log reads one stream, or both in the order of their arrival', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon)
  const append = (part: 'stdout' | 'stderr', offset: number, text: string) =>
    worker.call('job.append', { ...held, part, offset, data: Buffer.from(text) })
  await append('stdout', 0, 'one ')
  await append('stderr', 0, 'two ')
  await append('stdout', 4, 'three')
  const all = ['stdout:one ', 'stderr:two ', 'stdout:three']
  t.strictSame(await read(admin, { job }), { attempt: 1, chunks: all, next: 13, ended: false })
  const part = await read(admin, { job, offset: 5, bytesMax: 4 })
  t.strictSame(part, { attempt: 1, chunks: ['stderr:wo ', 'stdout:t'], next: 9, ended: false })
  const stderr = await read(admin, { job, stream: 'stderr', offset: 1 })
  t.strictSame(stderr, { attempt: 1, chunks: ['stderr:wo '], next: 4, ended: false })
  t.strictSame(
    await read(admin, { job, offset: 99 }),
    { attempt: 1, chunks: [], next: 99, ended: false },
    'not there yet',
  )
  await worker.call('job.finish', { ...held, exitCode: 0, stdout: streamOf('one three'), stderr: streamOf('two ') })
  t.strictSame(await read(admin, { job, bytesMax: 12 }), {
    ...{ attempt: 1, chunks: ['stdout:one ', 'stderr:two ', 'stdout:thre'], next: 12, ended: false },
  })
  t.strictSame(await read(admin, { job, offset: 12 }), { attempt: 1, chunks: ['stdout:e'], next: 13, ended: true })
  t.strictSame(await read(admin, { job, offset: 99, waitMs: 9 }), { attempt: 1, chunks: [], next: 13, ended: true })
  await t.rejects(read(admin, { job: NO_JOB }), code('E_JOB_NOT_FOUND'))
})

t.test('a follower is woken by the first bytes, by more, and by the end', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon)
  const first = read(admin, { job, waitMs: 60_000 })
  await settle()
  await worker.call('job.append', { ...held, part: 'stdout', offset: 0, data: Buffer.from('a') })
  t.match(await first, { chunks: ['stdout:a'], next: 1, ended: false })
  const second = read(admin, { job, offset: 1, waitMs: 60_000 })
  await settle()
  await worker.call('job.append', { ...held, part: 'stderr', offset: 0, data: Buffer.from('b') })
  t.match(await second, { chunks: ['stderr:b'], next: 2, ended: false })
  const third = read(admin, { job, offset: 2, waitMs: 60_000 })
  await settle()
  await worker.call('job.finish', { ...held, exitCode: 0, stdout: streamOf('a'), stderr: streamOf('b') })
  t.match(await third, { chunks: [], next: 2, ended: true })
})

t.test('a follower of one stream sleeps through the other, and hears when its time is over', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon)
  const following = read(admin, { job, stream: 'stderr', waitMs: 5_000 })
  await settle()
  await worker.call('job.append', { ...held, part: 'stdout', offset: 0, data: Buffer.from('a') })
  await settle()
  let answered: boolean = false
  void following.then(() => {
    answered = true
  })
  await daemon.clock.advance(4_000)
  t.notOk(answered)
  await daemon.clock.advance(1_000)
  t.match(await following, { chunks: [], next: 0, ended: false })
})

t.test('a follower that has seen more than the daemon has left is not sent back', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon)
  await worker.call('job.append', { ...held, part: 'stdout', offset: 0, data: Buffer.from('ab') })
  const following = read(admin, { job, offset: 3, waitMs: 5_000 })
  await daemon.clock.advance(5_000)
  t.match(await following, { chunks: [], next: 3, ended: false })
  await worker.call('job.append', { ...held, part: 'stdout', offset: 2, data: Buffer.from('cd') })
  t.match(await read(admin, { job, offset: 3 }), { chunks: ['stdout:d'], next: 4, ended: false })
})

t.test('a job that waits is followed from its start on', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker } = await runJob(daemon)
  const { jobs } = await admin.call('job.queue', { action: name('build'), key: newKey() })
  const job = jobs[0] as Params<'job.log'>['job']
  const following = read(admin, { job, waitMs: 60_000 })
  await settle()
  const { lease } = await takeJob(worker)
  await settle()
  await worker.call('job.append', { job, lease, part: 'stdout', offset: 0, data: Buffer.from('go') })
  t.match(await following, { chunks: ['stdout:go'] })
})

t.test('each attempt has its log; one that is not there yet stands for the last', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon, { retries: 1, timeLimitMs: 1_000 })
  const end = { signal: 'SIGTERM', reason: 'time-limit', stderr: EMPTY } as const
  await worker.call('job.finish', { ...held, ...end, stdout: streamOf('first', 5) })
  t.strictSame(await read(admin, { job }), { attempt: 2, chunks: [], next: 0, ended: false })
  t.strictSame(await read(admin, { job, attempt: 1 }), {
    ...{ attempt: 1, chunks: ['stdout:first'], next: 5, ended: true },
  })
  const { lease } = await takeJob(worker)
  await worker.call('job.finish', { job, lease, ...end, stdout: streamOf('second', 6) })
  t.match(await admin.call('job.wait', { job, waitMs: 0 }), { job: { state: 'TIMEOUT', reason: 'time-limit' } })
  t.match(await read(admin, { job, attempt: 9 }), { attempt: 2, chunks: ['stdout:second'], ended: true })
})

t.test('the log of a cancelled job stays', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon)
  await admin.call('job.stop', { job })
  const stdout = streamOf('half way', 8)
  await worker.call('job.finish', { ...held, signal: 'SIGKILL', reason: 'stopped', stdout, stderr: EMPTY })
  t.match(await read(admin, { job }), { chunks: ['stdout:half way'], ended: true })
})
