import type { Test } from 'tap'
import type { NewJobs } from '../../lib/store/store.js'
import type { JobId } from '../../protocol/ids.js'
import type { OpenStore } from './contract.js'
import { newJobs, openForBusiness } from './samples.js'

export function keysContract(t: Test, openStore: OpenStore): void {
  t.test('what a key has made is found without making anything', async t => {
    const store = await openStore(t)
    const request = newJobs(await openForBusiness(store), { count: 2 })
    t.equal(await store.findRepeated(request), undefined)
    const [made, found] = await Promise.all([store.insertJobs(request), store.findRepeated(request)])
    t.strictSame(found, made?.jobs, 'behind a write of the same turn')
    await t.rejects(store.findRepeated({ ...request, count: 1 }), { code: 'E_KEY_REUSED' })
    t.equal((await store.readDispatchState()).pending, 2)
  })

  t.test('old keys are forgotten in the order of the jobs, a few at a time', async t => {
    const store = await openStore(t)
    const queue = await openForBusiness(store)
    t.strictSame(await store.forgetRequestKeys(9_000, 10), { more: false }, 'no job at all')
    const requests = [1, 2, 3, 4, 5].map(n => newJobs(queue, { count: n, queuedAtMs: n * 1_000 }))
    const made = await Promise.all(requests.map(request => store.insertJobs(request)))
    const known = async () => (await Promise.all(requests.map(r => store.findRepeated(r)))).map(jobs => jobs?.length)
    t.strictSame(await store.forgetRequestKeys(1_000, 10), { more: false }, 'none is that old')
    t.strictSame(await known(), [1, 2, 3, 4, 5])
    t.strictSame(await store.forgetRequestKeys(4_000, 2), { more: true })
    t.strictSame(await known(), [undefined, undefined, 3, 4, 5])
    t.strictSame(await store.forgetRequestKeys(4_000, 10), { more: false })
    t.strictSame(await known(), [undefined, undefined, undefined, 4, 5])
    const again = await store.insertJobs(requests[0] as NewJobs)
    t.equal(again.repeated, false)
    t.ok(made.every(({ jobs }) => !jobs.includes(again.jobs[0] as JobId)))
  })
}
