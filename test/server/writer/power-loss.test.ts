import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { silentLog } from '../../../lib/base/log.js'
import type { AttemptKey } from '../../../lib/blobs/blobs.js'
import { openBlobs } from '../../../lib/blobs/open.js'
import { cutUnsafeLogs } from '../../../lib/server/writer/power-loss.js'
import { openStore } from '../../../lib/store/open.js'
import { acknowledged, insertOne, openForBusiness } from '../../store/samples.js'
import { startWorld } from './world.js'

const BOOT = '11111111-1111-4111-8111-111111111111'
const NEXT_BOOT = '22222222-2222-4222-8222-222222222222'

/** One RUNNING job with 10 bytes on each stream, of which 6 and 0 are on record as durable. */
async function stage(t: Test) {
  const dataDir = t.testdir()
  const store = openStore(dataDir, silentLog)
  const blobs = openBlobs(dataDir)
  t.teardown(async () => {
    await blobs.close()
    store.close()
  })
  const home = await store.beginEpoch('here')
  const job = await insertOne(store, await openForBusiness(store))
  await store.applyEvent(job, acknowledged(home, 1))
  const key: AttemptKey = { job, attempt: 1 }
  await blobs.append(key, 'stdout', 0, Buffer.from('0123456789'))
  await blobs.append(key, 'stderr', 0, Buffer.from('abcdefghij'))
  await store.noteDurableLengths(job, 1, 6, 0)
  return {
    dataDir,
    store,
    blobs,
    key,
    start: (bootId: string) => cutUnsafeLogs({ dataDir, store, blobs, log: silentLog, bootId }),
  }
}

t.test('after a start of the machine the log of a running job ends where it is surely on the disk', async t => {
  const { blobs, key, start } = await stage(t)
  t.equal(await start(BOOT), 1, 'nothing is known of the time before the first start')
  t.match(await blobs.lengths(key), { stdout: 6, stderr: 0 })
  await blobs.append(key, 'stdout', 6, Buffer.from('6789'))
  t.equal(await start(NEXT_BOOT), 1)
  t.match(await blobs.lengths(key), { stdout: 6, stderr: 0 })
  const { chunks } = await blobs.readLog(key, 'all', 0, 100)
  t.equal(chunks.map(({ data }) => String(data)).join(), '012345')
})

t.test('a restart of the daemon alone cuts nothing', async t => {
  const { blobs, key, start, dataDir } = await stage(t)
  writeFileSync(join(dataDir, 'boot-id'), `${BOOT}\n`)
  t.equal(await start(BOOT), 0)
  t.match(await blobs.lengths(key), { stdout: 10, stderr: 10 })
})

t.test('a cut that the disk breaks off is made by the next start', async t => {
  const { blobs, key, start, dataDir, store } = await stage(t)
  writeFileSync(join(dataDir, 'boot-id'), `${BOOT}\n`)
  const failing = { cutLog: () => Promise.reject(new Error('no disk')) }
  await t.rejects(cutUnsafeLogs({ dataDir, store, blobs: failing, log: silentLog, bootId: NEXT_BOOT }), /no disk/)
  t.equal(readFileSync(join(dataDir, 'boot-id'), 'utf8'), `${BOOT}\n`)
  t.equal(await start(NEXT_BOOT), 1)
  t.match(await blobs.lengths(key), { stdout: 6, stderr: 0 })
})

t.test(
  'what threads noted as durable is on record whoever is heard last, and is known again after a restart',
  async t => {
    const w = await startWorld(t)
    await w.addAction('a')
    await w.queue('a')
    await w.attach(1, 'w')
    const { grant, held } = await w.run(1)
    const lengths = async () => (await w.store.readDispatchState()).running[0]
    w.leaseSlots.noteDurable(held.slot, { stdout: 5, stderr: 0 })
    const first = w.writer.noteDurableLengths(grant.job, 1)
    w.leaseSlots.noteDurable(held.slot, { stdout: 5, stderr: 6 })
    await Promise.all([w.writer.noteDurableLengths(grant.job, 1), first])
    t.match(await lengths(), { durableStdoutBytes: 5, durableStderrBytes: 6 })
    w.leaseSlots.noteDurable(held.slot, { stdout: 0, stderr: 0 })
    await w.writer.noteDurableLengths(grant.job, 2)
    t.match(await lengths(), { durableStdoutBytes: 5 }, 'not of another attempt')

    const again = await w.restart()
    const { slot } = await again.writer.resume(1, grant.job, grant.lease)
    t.strictSame(again.leaseSlots.durable(slot), { stdout: 5, stderr: 6 })
  },
)
