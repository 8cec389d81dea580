import type { Test } from 'tap'
import { completeDefinition } from '../../lib/domain/action.js'
import type { OpenStore } from './contract.js'
import { credential, name, USER } from './samples.js'

export function accountsContract(t: Test, openStore: OpenStore): void {
  t.test('an account is found as it was made', async t => {
    const store = await openStore(t)
    await store.addUser(USER, 'user', true, credential(7), 5)
    const found = await store.findAccount(USER)
    t.match(found, { user: USER, role: 'user', state: 'active', mayExec: true, credential: { iterations: 4_096 } })
    t.equal(Buffer.compare(found?.credential?.serverKey ?? Buffer.alloc(0), credential(7).serverKey), 0)
    t.equal(await store.findAccount(name('nobody')), undefined)
  })

  t.test('a user name is given once', async t => {
    const store = await openStore(t)
    await store.addUser(USER, 'user', false, credential(1), 5)
    await t.rejects(store.addUser(USER, 'admin', true, credential(2), 6), { code: 'E_USER_EXISTS' })
    const others = [
      store.addUser(USER, 'admin', false, credential(1), 6),
      store.addUser(USER, 'user', true, credential(1), 6),
      store.addUser(USER, 'user', false, { ...credential(1), iterations: 5_000 }, 6),
      store.addUser(USER, 'user', false, { ...credential(1), serverKey: Buffer.alloc(32) }, 6),
    ]
    for (const other of others) await t.rejects(other, { code: 'E_USER_EXISTS' })
    await store.addUser(USER, 'user', false, credential(1), 6)
    t.match((await store.listUsers(undefined, 9)).users, [{ createdAtMs: 5 }], 'the same again is found')
    t.match(await store.findAccount(USER), { role: 'user', mayExec: false })
    t.equal((await store.findAccount(USER))?.credential?.salt[0], 1)
  })

  t.test('a password is replaced as a whole', async t => {
    const store = await openStore(t)
    await store.addUser(USER, 'user', false, credential(1), 5)
    await store.setPassword(USER, { ...credential(9), iterations: 5_000 })
    const { credential: found } = (await store.findAccount(USER)) ?? {}
    t.match(found, { iterations: 5_000 })
    t.strictSame([found?.salt[0], found?.storedKey[0], found?.serverKey[0]], [9, 10, 11])
    await t.rejects(store.setPassword(name('nobody'), credential()), { code: 'E_USER_NOT_FOUND' })
  })

  t.test('users are disabled and enabled, but for the last active admin', async t => {
    const store = await openStore(t)
    await store.addUser(name('root'), 'admin', false, credential(), 1)
    await store.addUser(name('chief'), 'admin', false, credential(), 1)
    const done = { changed: true, stopped: [] }
    t.strictSame(await store.setUserState(name('root'), 'disabled', 2), done)
    t.match(await store.setUserState(name('root'), 'disabled', 2), { changed: false })
    t.equal((await store.findAccount(name('root')))?.state, 'disabled')
    await t.rejects(store.setUserState(name('chief'), 'disabled', 2), { code: 'E_LAST_ADMIN' })
    await t.rejects(store.setUserState(name('chief'), 'deleted', 2), { code: 'E_LAST_ADMIN' })
    t.strictSame(await store.setUserState(name('root'), 'active', 2), done)
    t.strictSame(await store.setUserState(name('chief'), 'disabled', 2), done)
    await t.rejects(store.setUserState(name('nobody'), 'active', 2), { code: 'E_USER_NOT_FOUND' })
  })

  t.test('a deleted account stays, without keys, and its name is not given again', async t => {
    const store = await openStore(t)
    await store.addUser(USER, 'user', false, credential(), 1)
    t.match(await store.setUserState(USER, 'deleted', 2), { changed: true })
    t.match(await store.setUserState(USER, 'deleted', 3), { changed: false })
    t.match(await store.setUserState(USER, 'disabled', 3), { changed: false })
    t.match(await store.findAccount(USER), { state: 'deleted', credential: undefined })
    await t.rejects(store.setUserState(USER, 'active', 3), { code: 'E_USER_DELETED' })
    await t.rejects(store.setPassword(USER, credential(2)), { code: 'E_USER_DELETED' })
    await t.rejects(store.addUser(USER, 'user', false, credential(), 3), { code: 'E_USER_EXISTS' })
    t.match((await store.listUsers(undefined, 9)).users, [{ user: USER, active: false, state: 'deleted' }])
  })

  t.test('users come in pages by name', async t => {
    const store = await openStore(t)
    for (const user of ['c', 'a', 'b']) await store.addUser(name(user), 'reader', false, credential(), 3)
    const first = await store.listUsers(undefined, 2)
    t.strictSame(first, {
      users: ['a', 'b'].map(user => ({
        ...{ user, role: 'reader', active: true, state: 'active', mayExec: false, createdAtMs: 3 },
      })),
      next: 'b',
    })
    const last = await store.listUsers(first.next, 2)
    t.strictSame(
      last.users.map(({ user }) => user),
      ['c'],
    )
    t.notOk('next' in last)
    t.notOk('next' in (await store.listUsers(undefined, 3)), 'a page that is just full is the last one')
  })

  t.test('an action is made, left alone, refused and replaced', async t => {
    const store = await openStore(t)
    const action = name('compile')
    const make = completeDefinition({ command: ['make'], labels: [name('arm')], runningMax: 3 })
    const made = await store.putAction(action, make, false, 1)
    t.match(made, { changed: true, queue: { action, labels: ['arm'], active: true, runningMax: 3 } })
    t.strictSame(await store.findAction(action), { action, active: true, ...make })

    // The same fields in another order are the same definition.
    const reordered = Object.fromEntries(Object.entries(make).reverse()) as typeof make
    t.strictSame(await store.putAction(action, reordered, false, 2), { changed: false, queue: made.queue })

    const ninja = completeDefinition({ command: ['ninja'] })
    await t.rejects(store.putAction(action, ninja, false, 2), { code: 'E_ACTION_EXISTS' })
    t.match(await store.findAction(action), { command: ['make'] })

    const replaced = await store.putAction(action, ninja, true, 2)
    t.strictSame(replaced, { changed: true, queue: { id: made.queue.id, action, labels: [], active: true } })
    t.strictSame(await store.findAction(action), { action, active: true, ...ninja })
    t.equal((await store.putAction(action, make, true, 3)).changed, true, 'and back')
    t.match(await store.findAction(action), { command: ['make'] })
  })

  t.test('an action is disabled and enabled', async t => {
    const store = await openStore(t)
    const action = name('compile')
    await store.putAction(action, completeDefinition({ script: 'x' }), false, 1)
    t.match(await store.setActionActive(action, false), { changed: true, queue: { action, active: false } })
    t.match(await store.setActionActive(action, false), { changed: false, queue: { active: false } })
    t.equal((await store.findAction(action))?.active, false)
    t.match(await store.setActionActive(action, true), { changed: true, queue: { active: true } })
    await t.rejects(store.setActionActive(name('none'), true), { code: 'E_ACTION_NOT_FOUND' })
    t.equal(await store.findAction(name('none')), undefined)
  })

  t.test('actions come in pages by name', async t => {
    const store = await openStore(t)
    for (const action of ['c', 'a', 'b'])
      await store.putAction(name(action), completeDefinition({ script: action }), false, 1)
    const first = await store.listActions(undefined, 2)
    t.match(first, { actions: [{ action: 'a', script: 'a' }, { action: 'b' }], next: 'b' })
    const last = await store.listActions(first.next, 2)
    t.match(last.actions, [{ action: 'c' }])
    t.notOk('next' in last)
  })

  t.test('a set of labels has one queue for job.exec', async t => {
    const store = await openStore(t)
    const queue = await store.openExecQueue(['arm', 'big'])
    t.strictSame(queue, { id: queue.id, labels: ['arm', 'big'], active: true })
    t.strictSame(await store.openExecQueue(['arm', 'big']), queue)
    t.not((await store.openExecQueue([])).id, queue.id)
  })

  t.test('each start of a daemon is another epoch', async t => {
    const store = await openStore(t)
    t.strictSame(await store.beginEpoch('one'), { daemon: 'one', epoch: 1 })
    t.strictSame(await store.beginEpoch('one'), { daemon: 'one', epoch: 2 })
    t.strictSame(await store.beginEpoch('two'), { daemon: 'two', epoch: 1 })
  })
}
