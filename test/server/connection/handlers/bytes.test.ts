import { createHash, randomBytes } from 'node:crypto'
import t from 'tap'
import type { Sha256 } from '../../../../protocol/ids.js'
import { LIMITS } from '../../../../protocol/limits.js'
import { startDaemonInProcess } from '../../../helpers/daemon.js'
import { EMPTY, NO_JOB, runJob } from '../running.js'

const code = (text: string) => ({ code: text })
const hashOf = (bytes: Uint8Array): Sha256 => createHash('sha256').update(bytes).digest('hex') as Sha256

t.test('a bundle is written in chunks, once per content, and read by the worker of its job', async t => {
  const daemon = await startDaemonInProcess(t)
  const user = await daemon.client('user')
  const zip = randomBytes(100_000)
  const bundle = { sha256: hashOf(zip), totalBytes: zip.length }
  const write = (offset: number, data: Uint8Array) => user.call('bundle.write', { ...bundle, offset, data })
  t.strictSame(await write(0, Buffer.alloc(0)), { length: 0, complete: false }, 'what is there?')
  t.strictSame(await write(0, zip.subarray(0, 60_000)), { length: 60_000, complete: false })
  t.strictSame(await write(0, Buffer.alloc(0)), { length: 60_000, complete: false })
  await t.rejects(write(70_000, zip.subarray(70_000)), { code: 'E_OFFSET', detail: { length: 60_000 } })
  await t.rejects(write(60_000, Buffer.alloc(60_000)), code('E_BAD_REQUEST'))
  t.strictSame(await write(50_000, zip.subarray(50_000)), { length: 100_000, complete: true })
  t.strictSame(await write(0, Buffer.alloc(0)), { length: 100_000, complete: true })

  const { worker, held, grant } = await runJob(daemon, {}, { bundle: bundle.sha256 })
  t.equal(grant.bundle, bundle.sha256)
  const read = await worker.call('bundle.read', { ...held, offset: 99_990, bytesMax: 100 })
  t.equal(read.totalBytes, zip.length)
  t.ok(zip.subarray(99_990).equals(read.data))
  t.match(await worker.call('bundle.read', { ...held, offset: 200_000, bytesMax: 100 }), { data: { length: 0 } })
  const { metrics } = daemon.services
  t.equal(metrics.counted('bundleReceivedBytes'), 110_000, 'what was refused does not count')
  t.equal(metrics.counted('bundleSentBytes'), 10)
})

t.test('a bundle with another content than announced is dropped', async t => {
  const daemon = await startDaemonInProcess(t)
  const user = await daemon.client('user')
  const bundle = { sha256: hashOf(Buffer.from('abc')), totalBytes: 3, offset: 0 }
  await t.rejects(user.call('bundle.write', { ...bundle, data: Buffer.from('abX') }), code('E_CHECKSUM'))
  t.match(await user.call('bundle.write', { ...bundle, data: Buffer.from('abc') }), { complete: true })
  const totalBytes = LIMITS.bundleBytesMax.value + 1
  await t.rejects(user.call('bundle.write', { ...bundle, totalBytes, data: Buffer.alloc(0) }), code('E_BAD_REQUEST'))
})

t.test('a job without a bundle has none to read', async t => {
  const daemon = await startDaemonInProcess(t)
  const { worker, held } = await runJob(daemon)
  await t.rejects(worker.call('bundle.read', { ...held, offset: 0, bytesMax: 1 }), code('E_BUNDLE_NOT_FOUND'))
})

t.test('artifact.read says why there is nothing to read', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon)
  const where = { offset: 0, bytesMax: 10 }
  await t.rejects(admin.call('artifact.read', { job, ...where }), code('E_JOB_NOT_FINISHED'))
  await t.rejects(admin.call('artifact.read', { job: NO_JOB, ...where }), code('E_JOB_NOT_FOUND'))
  await worker.call('job.finish', { ...held, exitCode: 0, stdout: EMPTY, stderr: EMPTY })
  await t.rejects(admin.call('artifact.read', { job, ...where }), code('E_NO_ARTIFACTS'))
})

t.test('a large archive is read in chunks to its last byte', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, worker, job, held } = await runJob(daemon)
  const zip = randomBytes(600_000)
  for (let offset = 0; offset < zip.length; offset += LIMITS.chunkBytesMax.value) {
    const data = zip.subarray(offset, offset + LIMITS.chunkBytesMax.value)
    await worker.call('job.append', { ...held, part: 'artifacts', offset, data })
  }
  const artifacts = { bytes: zip.length, sha256: hashOf(zip) }
  await worker.call('job.finish', { ...held, exitCode: 0, stdout: EMPTY, stderr: EMPTY, artifacts })
  const chunks: Uint8Array[] = []
  for (let offset = 0; offset < zip.length; ) {
    const { data } = await admin.call('artifact.read', { job, offset, bytesMax: LIMITS.chunkBytesMax.value })
    chunks.push(data)
    offset += data.length
  }
  t.equal(hashOf(Buffer.concat(chunks)), artifacts.sha256)
  t.match(await admin.call('artifact.read', { job, offset: zip.length + 5, bytesMax: 1 }), { data: { length: 0 } })
  t.equal(daemon.services.metrics.counted('artifactReceivedBytes'), zip.length)
  t.equal(daemon.services.metrics.counted('artifactSentBytes'), zip.length)
})
