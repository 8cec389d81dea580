import t from 'tap'
import type { Client } from '../../../../lib/client/connection.js'
import { code, setUp } from '../enrolment.js'
import { name, newKey } from '../running.js'

t.test('an action that says who may queue its jobs refuses everybody else, but for admins', async t => {
  const { daemon, admin } = await setUp(t)
  const action = name('deploy')
  const define = (allow: readonly string[] | undefined) =>
    admin.call('action.add', { action, command: ['true'], replace: true, ...(allow && { allow }) })
  const ada = await daemon.client(await daemon.login('user', { user: 'ada' }))
  const bob = await daemon.client(await daemon.login('user', { user: 'bob' }))
  const queue = (client: Client, key = newKey()) => client.call('job.queue', { action, key })
  await define(undefined)
  const key = newKey()
  const made = await queue(bob, key)
  for (const [allow, adaMay, bobMay] of [
    [['user:ada'], true, false],
    [['role:user'], true, true],
    [['role:admin'], false, false],
    [[], false, false],
    [['user:ada', 'user:bob'], true, true],
    [['user:ada'], true, false],
  ] as const) {
    await define(allow)
    t.match(await admin.call('action.list', { action }), { actions: [{ allow }] })
    for (const [client, may] of [
      [ada, adaMay],
      [bob, bobMay],
      [admin, true],
    ] as const) {
      if (may) t.equal((await queue(client)).jobs.length, 1)
      else await t.rejects(queue(client), code('E_FORBIDDEN'))
    }
  }
  t.strictSame(await queue(bob, key), made, 'a key that made jobs before answers with them')
  await admin.call('job.stop', { job: made.jobs[0]! })
  await t.rejects(bob.call('job.retry', { job: made.jobs[0]!, key: newKey() }), code('E_FORBIDDEN'))
  t.match(await ada.call('job.retry', { job: made.jobs[0]!, key: newKey() }), { job: Number })
  for (const bad of ['ada', 'user:', 'user:a b', 'role:worker', 'group:x'])
    await t.rejects(define([bad]), code('E_BAD_REQUEST'), bad)
  await t.rejects(
    admin.call('job.exec', { key: newKey(), command: ['x'], allow: ['role:user'] }),
    code('E_BAD_REQUEST'),
  )
})
