import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import { commandLine, jsonLines, temporaryDirectory } from './harness.js'
import { setUp } from './people.js'

t.test('login keeps keys that later commands use, in a file for the owner alone', async t => {
  const { daemon, run, credentials } = await setUp(t)
  await daemon.login('admin', { user: 'ada' })
  const login = await run(['login', 'ada'], { answers: ['password of ada'] })
  t.match(login, { status: 0, stdout: 'logged in at 127.0.0.1:5265 as ada, role admin\n', stderr: '' })
  t.equal(statSync(credentials).mode & 0o777, 0o600)
  t.notMatch(readFileSync(credentials, 'utf8'), 'password of ada')
  t.match(await run(['status']), { status: 0, stderr: '' })
  t.match(jsonLines((await run(['login', '--user', 'ada', '--json'], { answers: ['password of ada'] })).stdout), [
    { server: '127.0.0.1:5265', user: 'ada', role: 'admin' },
  ])
})

t.test('login reads a password from a file, and takes the account by its place or by --user', async t => {
  const { daemon, run } = await setUp(t)
  await daemon.login('admin', { user: 'ada' })
  const file = join(temporaryDirectory(t), 'password')
  writeFileSync(file, 'password of ada\n')
  const done = { status: 0, stdout: /as ada, role admin/, stderr: '' }
  const env = { JANKINS_PASSWORD: 'another' }
  t.match(await run(['login', 'ada', '--password-file', file], { env }), done, 'it wins over the environment')
  t.match(await run(['login', '--user', 'ada', '--password-file', file]), done)
  t.match(await run(['login', 'ada', '--user', 'ada', '--password-file', file]), done)
  t.match(await run(['login', 'ada', '--user', 'bob', '--password-file', file]), { status: 2, stderr: /two accounts/ })
  t.match(await run(['login', 'ada', '--password-file', `${file}.no`]), {
    status: 2,
    stderr: /cannot read the password/,
  })
})

t.test('logins are kept under names, used by --profile or JANKINS_PROFILE, and forgotten by logout', async t => {
  const { daemon, run } = await setUp(t)
  for (const user of ['ada', 'bob']) await daemon.login(user === 'ada' ? 'admin' : 'reader', { user })
  await run(['login', 'ada'], { answers: ['password of ada'] })
  const lab = ['login', 'bob', '--profile', 'lab', '--server', 'lab:7']
  t.match(await run(lab, { answers: ['password of bob'] }), { status: 0, stdout: /at lab:7 as bob, role reader/ })
  t.match(await run(['whoami']), { status: 0, stdout: 'ada, role admin, at 127.0.0.1:5265\n', stderr: '' })
  t.match(await run(['whoami', '--profile', 'lab']), { stdout: 'bob, role reader, at lab:7\n' })
  const env = { JANKINS_PROFILE: 'lab' }
  t.match(await run(['whoami', '--json'], { env }), { stdout: '{"user":"bob","role":"reader","server":"lab:7"}\n' })
  t.match(await run(['query', '--profile', 'lab']), { status: 0 })
  t.match(await run(['login', '--profile', 'lab'], { answers: ['password of bob'] }), { stdout: /at lab:7 as bob/ })
  t.match(await run(['whoami', '--server', 'other:7'], { env }), {
    status: 3,
    stderr: /not logged in at other:7: run jankins login NAME --server other:7 --profile lab/,
  })
  t.match(await run(['whoami'], { env: { JANKINS_PROFILE: 'a b' } }), { status: 2, stderr: /JANKINS_PROFILE must be/ })
  t.match(await run(['passwd'], { env, answers: ['one', 'one'] }), { status: 0 })
  t.match(await run(['whoami'], { env }), { status: 0 }, 'the profile has the new keys')
  t.match(await run(['logout'], { env }), { status: 0, stdout: 'logged out under lab\n' })
  t.match(await run(['whoami'], { env }), { status: 3, stderr: /run jankins login NAME/ })
  t.match(await run(['logout', '--json']), { stdout: '{"server":"127.0.0.1:5265","changed":true}\n' })
  t.match(await run(['logout']), { status: 0, stdout: 'there was no login at 127.0.0.1:5265\n' })
})

t.test('ping measures the way, and says what the clocks differ by', async t => {
  const { daemon, as, credentials } = await setUp(t)
  const reader = await as('reader')
  t.match(await reader(['ping']), {
    status: 0,
    stdout: /^server +127.0.0.1:5265\nlogin +[\d.]+ ms\nround trip +[\d.]+ ms, the quickest of 3\nversions +daemon /,
  })
  const [facts] = jsonLines((await reader(['ping', '--count', '1', '--json'])).stdout)
  t.match(facts, { server: '127.0.0.1:5265', connectMs: Number, tripMs: Number, clockOffsetMs: Number, protocol: 1 })
  // Half a second more: what is told is cut to whole seconds, and half of the way is a guess.
  const late = { ...systemClock, nowMs: () => systemClock.nowMs() + 90_500 }
  const { run } = commandLine(t, daemon.dial, late)
  const env = {
    XDG_CONFIG_HOME: join(credentials, '..', '..'),
    JANKINS_USER: 'reader-1',
    JANKINS_PASSWORD: 'password of reader-1',
  }
  t.match(await run(['ping'], { env }), { stdout: /clock +of the daemon, beside this one: 1m 30s behind\n/ })
  const workers = await run(['workers'], { env, isTerminal: true })
  t.match(workers.stderr, /^jankins: the daemon's clock is 1m \d\ds behind; times are shown by the daemon's clock\n$/)
})

t.test('a wrong password, an unknown account and no login are told in one line with status 3', async t => {
  const { daemon, run } = await setUp(t)
  await daemon.login('admin', { user: 'ada' })
  t.matchStrict(await run(['login', 'ada'], { answers: ['wrong'] }), {
    status: 3,
    stdout: '',
    stderr: 'jankins: wrong user or password; run jankins login (E_AUTH)\n',
  })
  t.match(await run(['login', 'bob'], { answers: ['x'] }), { status: 3, stderr: /^jankins: wrong user[^\n]*\n$/ })
  t.match(await run(['query']), {
    status: 3,
    stderr: /^jankins: not logged in at [^\n]*: run jankins login NAME[^\n]*\n$/,
  })
})

t.test('a password that was changed elsewhere asks for a new login', async t => {
  const { daemon, run, as } = await setUp(t)
  await daemon.login('user', { user: 'uwe' })
  await run(['login', 'uwe'], { answers: ['password of uwe'] })
  const admin = await as('admin')
  const elsewhere = { XDG_CONFIG_HOME: temporaryDirectory(t) }
  t.match(await admin(['passwd', 'uwe'], { answers: ['secret', 'secret'], env: elsewhere }), {
    status: 0,
    stdout: 'the password of uwe is changed\n',
  })
  t.match(await run(['query']), { status: 3, stderr: /run jankins login \(E_AUTH/ })
  t.match(await run(['login', 'uwe'], { answers: ['secret'] }), { status: 0 })
})

t.test('passwd changes the own password and the login that is kept', async t => {
  const { daemon, run } = await setUp(t)
  await daemon.login('user', { user: 'uwe' })
  await run(['login', 'uwe'], { answers: ['password of uwe'] })
  t.match(await run(['passwd'], { answers: ['one', 'two'] }), { status: 2, stderr: /two passwords differ/ })
  t.match(await run(['passwd', '--json'], { answers: ['one', 'one'] }), { status: 0, stdout: '{"user":"uwe"}\n' })
  t.match(await run(['query']), { status: 0 })
  t.match(await run(['login', 'uwe'], { answers: ['password of uwe'] }), { status: 3 })
})
