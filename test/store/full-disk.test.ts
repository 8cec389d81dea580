import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { silentLog } from '../../lib/base/log.js'
import { migrate } from '../../lib/store/migrate.js'
import { openStore } from '../../lib/store/open.js'
import { createBatch } from '../../lib/store/sqlite/batch.js'
import { openWriterHandle } from '../../lib/store/sqlite/database.js'
import { createReader } from '../../lib/store/sqlite/reader.js'
import { createStoreWriter } from '../../lib/store/sqlite/writer.js'
import type { NewJobs, QueueId, Store } from '../../lib/store/store.js'
import { newJobs, openForBusiness } from './samples.js'

const big = (queue: QueueId, bytes: number): NewJobs => newJobs(queue, { parameters: [['A', 'x'.repeat(bytes)]] })

/** One turn: each is either answered and there, or refused and not there. */
async function insertAll(store: Store, requests: readonly NewJobs[]): Promise<('there' | 'refused')[]> {
  const settled = await Promise.allSettled(requests.map(request => store.insertJobs(request)))
  const outcomes: ('there' | 'refused')[] = []
  for (const outcome of settled) {
    if (outcome.status === 'rejected' && outcome.reason?.code !== 'E_STORE_FULL') throw outcome.reason
    const job = outcome.status === 'fulfilled' ? outcome.value.jobs[0] : undefined
    outcomes.push(job !== undefined && (await store.findJob(job)) ? 'there' : 'refused')
  }
  return outcomes
}

t.test('a database at its size limit refuses what does not fit, takes what does, and recovers', async t => {
  const handle = openWriterHandle(join(t.testdir(), 'jankins.db'))
  migrate(handle.db)
  const batch = createBatch(handle, silentLog, () => {})
  const store: Store = {
    ...createReader(handle),
    ...createStoreWriter(handle, batch.write),
    close: () => batch.close(),
  }
  t.teardown(() => {
    store.close()
    handle.db.close()
  })
  const queue = await openForBusiness(store)
  await store.insertJobs(newJobs(queue))
  const pages = handle.db.pragma('page_count', { simple: true }) as number
  handle.db.pragma(`max_page_count = ${pages + 3}`)
  const small = newJobs(queue)
  const large = big(queue, 100_000)
  t.strictSame(await insertAll(store, [small, large, newJobs(queue)]), ['there', 'refused', 'there'])
  t.equal((await store.readDispatchState()).pending, 3)
  t.equal((await store.insertJobs(small)).repeated, true)
  handle.db.pragma('max_page_count = 1000000')
  t.equal((await store.insertJobs(large)).repeated, false, 'the same call again')
  t.equal(handle.db.pragma('integrity_check', { simple: true }), 'ok')
})

t.test('a file system that is full refuses what does not fit, keeps what was answered, and recovers', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'jankins-full-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', dir]).status === 0
  let store: Store | undefined
  t.teardown(() => {
    store?.close()
    if (mounted) spawnSync('umount', [dir])
    rmdirSync(dir)
  })
  if (!mounted) {
    t.pass('may not mount a tmpfs here: run as root to see this one')
    return
  }
  const warnings: string[] = []
  store = openStore(dir, {
    ...silentLog,
    error: message => warnings.push(message),
    info: message => warnings.push(message),
  })
  const queue = await openForBusiness(store)
  writeFileSync(join(dir, 'ballast'), Buffer.alloc(3 << 19))

  const requests = Array.from({ length: 24 }, (_, n) => (n % 3 === 0 ? newJobs(queue) : big(queue, 200_000)))
  const outcomes = await insertAll(store, requests)
  t.ok(outcomes.includes('refused'))
  t.ok(outcomes.includes('there'))
  const there = outcomes.filter(outcome => outcome === 'there').length
  t.equal((await store.readDispatchState()).pending, there)
  t.match(warnings.at(-1), /make room/)

  rmSync(join(dir, 'ballast'))
  const again = await insertAll(store, requests.slice(0, 6))
  t.strictSame(again, Array(6).fill('there'), 'the same calls again')
  t.match(warnings.at(-1), /can be written again/)
})
