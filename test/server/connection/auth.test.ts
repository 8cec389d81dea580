import t from 'tap'
import type { Facts, Log } from '../../../lib/base/log.js'
import { silentLog } from '../../../lib/base/log.js'
import type { ScramLogin } from '../../../lib/client/authenticate.js'
import type { Name } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import { readServerFirst } from '../../../protocol/scram.js'
import { startDaemonInProcess } from '../../helpers/daemon.js'
import { openPeer, proofFor, startParams } from './peer.js'

const as = (user: string, password: string): ScramLogin => ({ user: user as Name, password })

t.test('the right password makes the session ready and tells the role', async t => {
  const daemon = await startDaemonInProcess(t)
  await daemon.login('user', { user: 'ada' })
  const peer = await openPeer(daemon)
  const { result } = (await peer.authenticate(as('ada', 'password of ada'))) as { result: Record<string, unknown> }
  t.match(result, { role: 'user', frameBytesMax: LIMITS.frameBytesDefault.value, nowMs: daemon.clock.nowMs() })
  peer.request(3, 'server.status', {})
  t.match(await peer.reply(), { id: 3, error: undefined, result: { running: 0 } })
})

t.test('a wrong password, and a user that is unknown, disabled or no name, get the same answer', async t => {
  const warnings: Facts[] = []
  const log: Log = { ...silentLog, warn: (_, facts) => warnings.push(facts ?? {}) }
  const daemon = await startDaemonInProcess(t, { log })
  await daemon.login('user', { user: 'ada' })
  await daemon.login('user', { user: 'gone' })
  await daemon.store.setUserState('gone' as Name, 'disabled', 1)
  const answers = []
  for (const user of ['ada', 'nobody', 'gone', 'not a name', `x${'y'.repeat(500)}`]) {
    const peer = await openPeer(daemon)
    const login = user === 'ada' ? as(user, 'wrong') : { ...(await daemon.login('user')), user: user as Name }
    const { error } = await peer.authenticate(login)
    answers.push(error)
    t.equal(await peer.next(), undefined, `${user}: the connection is closed`)
  }
  t.match(answers[0], { code: 'E_AUTH', retry: false, detail: {} })
  for (const answer of answers) t.strictSame(answer, answers[0])
  t.equal(warnings.length, answers.length)
  t.match(warnings[0], { user: 'ada', address: '127.0.0.1:1', code: 'E_AUTH' })
  t.ok(String(warnings.at(-1)?.user).length <= 64, 'what the peer sent is cut in the log')
})

t.test('a user that does not exist has the same salt each time, and another one than its neighbour', async t => {
  const daemon = await startDaemonInProcess(t)
  const saltOf = async (user: string): Promise<string> => {
    const peer = await openPeer(daemon)
    const { params, state } = startParams(user)
    peer.request(1, 'auth.start', params)
    const { result } = (await peer.reply()) as { result: { data: Uint8Array } }
    peer.destroy()
    return Buffer.from(readServerFirst(state, result.data).salt).toString('hex')
  }
  t.equal(await saltOf('nobody'), await saltOf('nobody'))
  t.not(await saltOf('nobody'), await saltOf('nobody2'))
})

t.test('a disabled account cannot authenticate, and enabled again it can', async t => {
  const daemon = await startDaemonInProcess(t)
  const login = await daemon.login('reader', { user: 'ada' })
  await daemon.store.setUserState('ada' as Name, 'disabled', 1)
  await t.rejects(daemon.client(login), { code: 'E_AUTH' })
  await daemon.store.setUserState('ada' as Name, 'active', 1)
  t.equal((await daemon.client(login)).role, 'reader')
})

t.test('malformed steps are refused and the connection is closed', async t => {
  const daemon = await startDaemonInProcess(t)
  const { params } = startParams('ada')
  const cases: [string, unknown, string][] = [
    ['no map', 7, 'E_BAD_REQUEST'],
    ['a field is missing', { ...params, data: undefined }, 'E_BAD_REQUEST'],
    ['another mechanism', { ...params, mechanism: 'PLAIN' }, 'E_BAD_REQUEST'],
    ['no SCRAM message', { ...params, data: Buffer.from('hello') }, 'E_AUTH'],
    ['a newer major version', { protocol: 2, somethingNew: true }, 'E_VERSION'],
  ]
  for (const [name, wrong, code] of cases) {
    const peer = await openPeer(daemon)
    peer.request(9, 'auth.start', wrong)
    t.match(await peer.reply(), { id: 9, error: { code } }, name)
    t.equal(await peer.next(), undefined, `${name}: closed`)
  }
  const peer = await openPeer(daemon)
  await proofFor(peer, await daemon.login('user'))
  peer.request(2, 'auth.finish', { data: Buffer.from('c=biws,r=other,p=AA==') })
  t.match(await peer.reply(), { id: 2, error: { code: 'E_AUTH' } })
  t.equal(await peer.next(), undefined)
})

t.test('a request before authentication is refused, whatever it is', async t => {
  const daemon = await startDaemonInProcess(t)
  const login = await daemon.login('admin')
  for (const method of ['server.status', 'auth.finish', 'no.such', 'user.list']) {
    const peer = await openPeer(daemon)
    peer.request(5, method, {})
    t.match(await peer.reply(), { id: 5, error: { code: 'E_NOT_AUTHENTICATED' } }, method)
    t.equal(await peer.next(), undefined)
  }
  const peer = await openPeer(daemon)
  await proofFor(peer, login)
  peer.request(5, 'auth.start', startParams('ada').params)
  t.match(await peer.reply(), { id: 5, error: { code: 'E_NOT_AUTHENTICATED' } }, 'the greeting is not repeated')
  t.equal(await peer.next(), undefined)
})

t.test('bytes that are no request before authentication are refused', async t => {
  const daemon = await startDaemonInProcess(t)
  const wrong = async (send: (peer: Awaited<ReturnType<typeof openPeer>>) => void, code: string): Promise<void> => {
    const peer = await openPeer(daemon)
    send(peer)
    t.match(await peer.reply(), { id: 0, error: { code } })
    t.equal(await peer.next(), undefined)
  }
  await wrong(peer => peer.frame(Buffer.from('c1', 'hex')), 'E_BAD_FRAME')
  await wrong(peer => peer.cancel(1), 'E_NOT_AUTHENTICATED')
  await wrong(peer => peer.frame(Buffer.alloc(LIMITS.frameBytesBeforeAuth.value + 1)), 'E_FRAME_TOO_LARGE')
})

t.test('a request may ride behind the proof and is answered after it', async t => {
  const daemon = await startDaemonInProcess(t)
  const peer = await openPeer(daemon)
  const proof = await proofFor(peer, await daemon.login('reader'))
  peer.request(2, 'auth.finish', { data: proof })
  peer.request(3, 'server.status', {})
  t.match(await peer.reply(), { id: 2, error: undefined })
  t.match(await peer.reply(), { id: 3, error: undefined })
})

t.test('a request that rides behind a wrong proof is not carried out', async t => {
  const daemon = await startDaemonInProcess(t)
  const login = await daemon.login('admin', { user: 'ada' })
  const other = await daemon.login('admin')
  const peer = await openPeer(daemon)
  const proof = await proofFor(peer, { ...other, user: login.user })
  peer.request(2, 'auth.finish', { data: proof })
  peer.request(3, 'user.disable', { user: other.user })
  t.match(await peer.reply(), { id: 2, error: { code: 'E_AUTH' } })
  t.equal(await peer.next(), undefined)
  t.match(await daemon.store.findAccount(other.user), { state: 'active' })
})

t.test('who guesses is held back, by the same answer whether the user exists or not', async t => {
  const daemon = await startDaemonInProcess(t)
  const login = await daemon.login('user', { user: 'ada' })
  for (const user of ['ada', 'nobody']) {
    const answers = []
    for (let failure = 0; failure <= LIMITS.loginsFreeMax.value; failure++) {
      const peer = await openPeer(daemon)
      answers.push((await peer.authenticate(as(user, 'wrong'))).error)
      t.equal(await peer.next(), undefined)
    }
    t.strictSame(
      answers.map(error => error?.code),
      [...Array<string>(LIMITS.loginsFreeMax.value).fill('E_AUTH'), 'E_THROTTLED'],
    )
    t.match(answers.at(-1), { retry: true, detail: { waitMs: LIMITS.loginDelayMsMin.value } })
  }
  const early = await openPeer(daemon)
  t.match(await early.authenticate(login), { error: { code: 'E_THROTTLED' } }, 'a right proof is not looked at')
  await daemon.clock.advance(LIMITS.loginDelayMsMin.value)
  t.equal((await daemon.client(login)).role, 'user')
})
