import { randomBytes } from 'node:crypto'
import t from 'tap'
import type { Name } from '../../../../protocol/ids.js'
import { LIMITS } from '../../../../protocol/limits.js'
import { credentialOf, deriveKeys } from '../../../../protocol/scram.js'
import { JANKINS_VERSION } from '../../../../protocol/version.js'
import { startDaemonInProcess } from '../../../helpers/daemon.js'
import { name, runJob } from '../running.js'

const code = (text: string) => ({ code: text })

async function credentialFor(password: string) {
  const salt = randomBytes(16)
  const iterations = LIMITS.scramIterationsMin.value
  return credentialOf(await deriveKeys(password, salt, iterations), salt, iterations)
}

t.test('user.add makes an account that can log in; user.disable and user.enable shut it out and let it in', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client(await daemon.login('admin', { user: 'root' }))
  const user = name('ada')
  const account = { user, role: 'worker', mayExec: true, ...(await credentialFor('secret')) } as const
  t.strictSame(await admin.call('user.add', account), {})
  t.strictSame(await admin.call('user.add', account), {}, 'repeated')
  await t.rejects(admin.call('user.add', { ...account, role: 'admin' }), code('E_USER_EXISTS'))
  await t.rejects(admin.call('user.add', { ...account, user: name('bob'), iterations: 1 }), code('E_BAD_REQUEST'))
  const login = { user, password: 'secret' }
  t.equal((await daemon.client(login)).role, 'worker')
  t.strictSame(await admin.call('user.disable', { user }), { changed: true })
  t.strictSame(await admin.call('user.disable', { user }), { changed: false })
  await t.rejects(daemon.client(login), code('E_AUTH'))
  t.strictSame(await admin.call('user.enable', { user }), { changed: true })
  t.equal((await daemon.client(login)).role, 'worker')
  await t.rejects(admin.call('user.enable', { user: name('nobody') }), code('E_USER_NOT_FOUND'))
  await t.rejects(admin.call('user.disable', { user: name('nobody') }), code('E_USER_NOT_FOUND'))
  await t.rejects(admin.call('user.disable', { user: name('root') }), code('E_LAST_ADMIN'))
  t.match(await admin.call('user.list', { limit: 1 }), {
    users: [{ user: 'ada', role: 'worker', active: true, mayExec: true, createdAtMs: daemon.clock.nowMs() }],
    next: 'ada',
  })
  const rest = await admin.call('user.list', { after: user })
  t.match(rest, { users: [{ user: 'root', role: 'admin', mayExec: false }], next: undefined })
  t.notMatch(JSON.stringify(rest), /salt|key/i, 'no credential leaves the daemon')
})

t.test('user.passwd replaces the own password, and for an admin any', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  const before = await daemon.login('reader', { user: 'ada' })
  const ada = await daemon.client(before)
  t.strictSame(await ada.call('user.passwd', await credentialFor('second')), {})
  await t.rejects(daemon.client(before), code('E_AUTH'))
  await daemon.client({ user: name('ada'), password: 'second' })
  await admin.call('user.passwd', { user: name('ada'), ...(await credentialFor('third')) })
  await daemon.client({ user: name('ada'), password: 'third' })
  await t.rejects(
    ada.call('user.passwd', { user: name('admin-1'), ...(await credentialFor('x')) }),
    code('E_FORBIDDEN'),
  )
  const nobody = { user: name('nobody'), ...(await credentialFor('x')) }
  await t.rejects(admin.call('user.passwd', nobody), code('E_USER_NOT_FOUND'))
})

t.test('action.add defines, repeats and replaces an action', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  const action = name('build')
  const definition = { action, command: ['make'], labels: [name('b'), name('a')], retries: 2 }
  t.strictSame(await admin.call('action.add', definition), { changed: true })
  t.strictSame(await admin.call('action.add', definition), { changed: false })
  await t.rejects(admin.call('action.add', { action, command: ['ninja'] }), code('E_ACTION_EXISTS'))
  t.strictSame(await admin.call('action.add', { action, replace: true, command: ['ninja'] }), { changed: true })
  await t.rejects(
    admin.call('action.add', { action: name('both'), command: ['a'], script: 'b' }),
    code('E_BAD_REQUEST'),
  )
  await t.rejects(admin.call('action.add', { action: name('none') }), code('E_BAD_REQUEST'))
  t.match(await admin.call('action.list', {}), { actions: [{ action: 'build', command: ['ninja'], active: true }] })
})

t.test('action.list pages by name, shows one, and cuts a page to what a reply may hold', async t => {
  const daemon = await startDaemonInProcess(t)
  const admin = await daemon.client('admin')
  const script = 'x'.repeat(LIMITS.commandBytesMax.value)
  const environment = [1, 2, 3, 4, 5].map(n => [`V${n}`, 'y'.repeat(32 * 1024)] as const)
  for (let n = 1; n <= 6; n++) await admin.call('action.add', { action: name(`a${n}`), script, environment })
  const reader = await daemon.client('reader')
  const seen: string[] = []
  let pageCount = 0
  let after: Name | undefined
  do {
    const page = await reader.call('action.list', { ...(after !== undefined && { after }) })
    seen.push(...page.actions.map(view => view.action))
    after = page.next
    pageCount++
  } while (after !== undefined)
  t.strictSame(seen, ['a1', 'a2', 'a3', 'a4', 'a5', 'a6'])
  t.ok(pageCount > 1, `${pageCount} pages`)
  t.match(await reader.call('action.list', { action: name('a3') }), { actions: [{ action: 'a3' }] })
  await t.rejects(reader.call('action.list', { action: name('a7') }), code('E_ACTION_NOT_FOUND'))
})

t.test('action.disable and action.enable say whether they changed anything', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin } = await runJob(daemon)
  const action = name('build')
  t.strictSame(await admin.call('action.disable', { action }), { changed: true })
  t.strictSame(await admin.call('action.disable', { action }), { changed: false })
  t.match(await admin.call('action.list', { action }), { actions: [{ active: false }] })
  t.strictSame(await admin.call('action.enable', { action }), { changed: true })
  await t.rejects(admin.call('action.enable', { action: name('nothing') }), code('E_ACTION_NOT_FOUND'))
  await t.rejects(admin.call('action.disable', { action: name('nothing') }), code('E_ACTION_NOT_FOUND'))
})

t.test('server.status counts what the daemon has in hand', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin } = await runJob(daemon, {}, { count: 3 })
  t.match(await admin.call('server.status', {}), {
    ...{ version: JANKINS_VERSION, startedAtMs: daemon.clock.nowMs(), nowMs: daemon.clock.nowMs() },
    ...{ pending: 2, running: 1, workers: 1, claimsParked: 0, threads: [{ thread: 0 }] },
    ...{
      workersSuspect: 0,
      jobsQueued: 3,
      jobsEnded: 0,
      loginsFailed: 0,
      queueWaitP50Ms: Number,
      dispatchP99Ms: Number,
    },
  })
  await daemon.clock.advance(1_501)
  t.match(await admin.call('server.status', {}), { workers: 1, workersSuspect: 1 })
})
