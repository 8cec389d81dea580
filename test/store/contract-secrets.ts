import { Buffer } from 'node:buffer'
import type { Test } from 'tap'
import type { JobSecrets, SealedSecret } from '../../lib/store/secret-store.js'
import type { Store } from '../../lib/store/store.js'
import type { JobId } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import type { OpenStore } from './contract.js'
import { acknowledged, finished, insertOne, jobId, name, openForBusiness } from './samples.js'

const ACTION = name('compile')
/** When a job of `acknowledged` begins. */
const STARTED_MS = 3_000

const sealed = (secret: string, text: string): SealedSecret => ({ secret, sealed: Buffer.from(text) })
const shown = (secrets: JobSecrets | readonly SealedSecret[] | undefined): readonly string[] =>
  ('action' in (secrets ?? {}) ? (secrets as JobSecrets).secrets : ((secrets ?? []) as readonly SealedSecret[])).map(
    ({ secret, sealed }) => `${secret}=${Buffer.from(sealed)}`,
  )

async function runOne(t: Test, openStore: OpenStore): Promise<{ store: Store; job: JobId }> {
  const store = await openStore(t)
  const queue = await openForBusiness(store)
  await store.putSecret(ACTION, sealed('TOKEN', 'old'), 1_000)
  const home = await store.beginEpoch('test')
  const job = await insertOne(store, queue)
  await store.applyEvent(job, acknowledged(home, 1))
  return { store, job }
}

export function secretsContract(t: Test, openStore: OpenStore): void {
  t.test('secrets are listed by name, replaced and removed, and their queue tells whether there are any', async t => {
    const store = await openStore(t)
    await openForBusiness(store)
    t.strictSame(await store.listSecrets(ACTION), [])
    t.match(await store.putSecret(ACTION, sealed('TOKEN', 'one'), 1), { action: ACTION, hasSecrets: true })
    await store.putSecret(ACTION, sealed('KEY', 'two'), 2)
    await store.putSecret(ACTION, sealed('TOKEN', 'three'), 3)
    t.strictSame(shown(await store.listSecrets(ACTION)), ['KEY=two', 'TOKEN=three'])
    t.match((await store.readDispatchState()).queues, [{ action: ACTION, hasSecrets: true }])
    t.match(await store.removeSecret(ACTION, 'TOKEN', 4), { changed: true, queue: { hasSecrets: true } })
    t.match(await store.removeSecret(ACTION, 'TOKEN', 5), { changed: false })
    const { changed, queue } = await store.removeSecret(ACTION, 'KEY', 6)
    t.ok(changed && queue.hasSecrets === undefined)
    t.strictSame(await store.listSecrets(ACTION), [])
  })

  t.test('only what is an action has secrets', async t => {
    const store = await openStore(t)
    const nobody = name('nobody')
    await t.rejects(store.putSecret(nobody, sealed('TOKEN', 'x'), 1), { code: 'E_ACTION_NOT_FOUND' })
    await t.rejects(store.removeSecret(nobody, 'TOKEN', 1), { code: 'E_ACTION_NOT_FOUND' })
    await t.rejects(store.listSecrets(nobody), { code: 'E_ACTION_NOT_FOUND' })
    t.equal(await store.readJobSecrets(jobId(7)), undefined)
  })

  t.test('a running job has the secrets with which it began, whatever became of them since', async t => {
    const { store, job } = await runOne(t, openStore)
    await store.putSecret(ACTION, sealed('TOKEN', 'new'), STARTED_MS + 1)
    await store.putSecret(ACTION, sealed('TOKEN', 'newer'), STARTED_MS + 2)
    t.strictSame(shown(await store.readJobSecrets(job)), ['TOKEN=old'])
    t.strictSame(shown(await store.listSecrets(ACTION)), ['TOKEN=newer'])
    await store.removeSecret(ACTION, 'TOKEN', STARTED_MS + 3)
    t.match(await store.readJobSecrets(job), { action: ACTION })
    t.strictSame(shown(await store.readJobSecrets(job)), ['TOKEN=old'])
    t.strictSame(await store.listSecrets(ACTION), [])
  })

  t.test('what was replaced before a job began is nothing of it, and a clock set back hides no secret', async t => {
    const { store, job } = await runOne(t, openStore)
    await store.putSecret(ACTION, sealed('TOKEN', 'new'), STARTED_MS - 1)
    t.strictSame(shown(await store.readJobSecrets(job)), ['TOKEN=new'])
  })

  t.test('a job that does not run has the secrets of now', async t => {
    const { store, job } = await runOne(t, openStore)
    await store.putSecret(ACTION, sealed('TOKEN', 'new'), STARTED_MS + 1)
    await store.applyEvent(job, finished(1))
    t.strictSame(shown(await store.readJobSecrets(job)), ['TOKEN=new'])
  })

  t.test(
    'an action has a limited number of secrets, of a limited size in all; what is kept for a job counts',
    async t => {
      const { store, job } = await runOne(t, openStore)
      const large = 'x'.repeat(LIMITS.secretsBytesMax.value)
      await t.rejects(store.putSecret(ACTION, sealed('LARGE', large), 9), { code: 'E_TOO_MANY' })
      for (let n = 1; n < LIMITS.secretsMax.value; n++) await store.putSecret(ACTION, sealed(`S${n}`, 'x'), 9)
      await t.rejects(store.putSecret(ACTION, sealed('MORE', 'x'), 9), { code: 'E_TOO_MANY' })
      await t.rejects(store.putSecret(ACTION, sealed('TOKEN', 'new'), STARTED_MS + 1), { code: 'E_TOO_MANY' })
      t.equal((await store.listSecrets(ACTION)).length, LIMITS.secretsMax.value, 'what was refused left nothing behind')
      await store.applyEvent(job, finished(1))
      await store.putSecret(ACTION, sealed('TOKEN', 'new'), STARTED_MS + 2)
      t.ok(shown(await store.listSecrets(ACTION)).includes('TOKEN=new'), 'nothing is kept for a job that has ended')
    },
  )
}
