import t from 'tap'
import { tokenHash } from '../../../../protocol/invite-token.js'
import { LIMITS } from '../../../../protocol/limits.js'
import { code, credentialFor, invite, newToken, setUp } from '../enrolment.js'
import { openPeer } from '../peer.js'
import { attachParams, NO_JOB, name, newClaim } from '../running.js'

t.test('an invitation makes one account of its role, which can log in at once', async t => {
  const { daemon, admin, enrol } = await setUp(t)
  const token = await invite(admin)
  t.strictSame(await enrol(token, 'box'), { role: 'worker', approved: true })
  t.equal((await daemon.client({ user: name('box'), password: 'secret' })).role, 'worker')
  t.match((await admin.call('user.list', {})).users, [
    { user: 'box', role: 'worker', state: 'active', mayExec: false },
    {},
  ])
  t.match((await admin.call('invite.list', {})).invites, [
    { role: 'worker', state: 'used', user: 'root', usedBy: 'box' },
  ])
})

t.test('a registration that is sent again, or twice at once, makes one account and gets one answer', async t => {
  const { daemon, admin, credential, enrol } = await setUp(t)
  const token = await invite(admin, 'user')
  const answers = await Promise.all([enrol(token, 'ada'), enrol(token, 'ada'), enrol(token, 'ada')])
  for (const answer of answers) t.strictSame(answer, { role: 'user', approved: true })
  const other = await credentialFor('other')
  await t.rejects(enrol(token, 'ada', other), code('E_INVITE'), 'with other keys')
  await t.rejects(enrol(token, 'eve'), code('E_INVITE'), 'under another name')
  const contested = await invite(admin, 'user')
  const race = await Promise.allSettled([enrol(contested, 'bob', credential), enrol(contested, 'mallory', other)])
  t.strictSame(race.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  t.match(
    race.find(({ status }) => status === 'rejected'),
    { reason: code('E_INVITE') },
  )
  t.equal((await admin.call('user.list', {})).users.length, 3)
  await daemon.client({ user: name('ada'), password: 'secret' })
})

t.test('a token that is unknown, expired, revoked, used or of a disabled admin gets the same answer', async t => {
  const { daemon, admin, enrol } = await setUp(t)
  const second = await daemon.client(await daemon.login('admin', { user: 'second' }))
  const used = await invite(admin)
  await enrol(used, 'first')
  const orphan = await invite(second)
  const revoked = await invite(admin)
  const expired = await invite(admin, 'worker', LIMITS.inviteMsMin.value)
  const [, , revokedRow] = (await admin.call('invite.list', {})).invites
  const { invite: id } = revokedRow ?? { invite: undefined as never }
  t.strictSame(await admin.call('invite.revoke', { invite: id }), { changed: true })
  t.strictSame(await admin.call('invite.revoke', { invite: id }), { changed: false })
  await admin.call('user.disable', { user: name('second') })
  await daemon.clock.advance(LIMITS.inviteMsMin.value)
  const errors: unknown[] = []
  for (const token of [newToken(), used, orphan, revoked, expired])
    await enrol(token, 'eve').catch(error => errors.push([error.code, error.message, error.detail]))
  t.equal(errors.length, 5)
  for (const error of errors) t.strictSame(error, errors[0])
  t.match(errors[0], ['E_INVITE', String, {}])
  await t.rejects(enrol(newToken(), 'eve'), code('E_THROTTLED'), 'guessing gets slower')
  const page = await admin.call('invite.list', { limit: 3 })
  t.strictSame(
    page.invites.map(({ state }) => state),
    ['used', 'open', 'revoked'],
  )
  t.match(await admin.call('invite.list', { after: page.next! }), { invites: [{ state: 'expired' }], next: undefined })
  await t.rejects(admin.call('invite.revoke', { invite: NO_JOB as never }), code('E_INVITE_NOT_FOUND'))
})

t.test('a name that is taken, also by a deleted account, leaves the invitation as it was', async t => {
  const { daemon, admin, enrol } = await setUp(t)
  await daemon.login('user', { user: 'ada' })
  await admin.call('user.delete', { user: name('ada') })
  const token = await invite(admin)
  await t.rejects(enrol(token, 'root'), code('E_USER_EXISTS'))
  await t.rejects(enrol(token, 'ada'), code('E_USER_EXISTS'))
  t.match(await enrol(token, 'box'), { approved: true })
})

t.test('the same token again is the same invitation, and of another role it is refused', async t => {
  const { admin } = await setUp(t)
  const asked = { tokenSha256: tokenHash(newToken()), role: 'worker' } as const
  const made = await admin.call('invite.add', asked)
  t.strictSame(await admin.call('invite.add', asked), made)
  await t.rejects(admin.call('invite.add', { ...asked, role: 'user' }), code('E_KEY_REUSED'))
})

t.test('a failed registration ends its connection, and a good one may go on to authenticate', async t => {
  const { daemon, admin, credential } = await setUp(t)
  const peer = await openPeer(daemon)
  peer.request(1, 'user.register', { token: newToken(), user: 'box', ...credential })
  t.match(await peer.reply(), { id: 1, error: { code: 'E_INVITE' } })
  t.equal(await peer.next(), undefined)
  const good = await openPeer(daemon)
  good.request(1, 'user.register', { token: await invite(admin), user: 'box', ...credential })
  t.match(await good.reply(), { id: 1, result: { approved: true } })
  t.match(await good.authenticate({ user: name('box'), password: 'secret' }), { result: { role: 'worker' } })
  good.request(3, 'user.register', { token: newToken(), user: 'box2', ...credential })
  t.match(await good.reply(), { id: 3, error: { code: 'E_FORBIDDEN' } })
})

t.test('with require_approval an account may do nothing before an admin has enabled it', async t => {
  const { daemon, admin, enrol } = await setUp(t, { requireApproval: true })
  t.strictSame(await enrol(await invite(admin), 'box'), { role: 'worker', approved: false })
  t.match((await admin.call('user.list', {})).users, [{ user: 'box', active: false, state: 'pending' }, {}])
  const login = { user: name('box'), password: 'secret' }
  await t.rejects(daemon.client(login), code('E_NOT_APPROVED'))
  await t.rejects(daemon.client({ ...login, password: 'wrong' }), code('E_AUTH'), 'who does not know it learns nothing')
  t.strictSame(await admin.call('user.enable', { user: name('box') }), { changed: true })
  const worker = await daemon.client(login)
  await worker.call('worker.attach', attachParams('box'))
  t.strictSame(await worker.call('job.claim', { claim: newClaim(), waitMs: 0 }), {})
})
