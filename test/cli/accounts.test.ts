import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import { startDaemonInProcess } from '../helpers/daemon.js'
import { commandLine, jsonLines, type RunOptions, temporaryDirectory } from './harness.js'

async function setUp(t: Test, options: { requireApproval?: boolean } = {}) {
  const daemon = await startDaemonInProcess(t, { clock: systemClock, ...options })
  const { run, credentials } = commandLine(t, daemon.dial)
  await daemon.login('admin', { user: 'root' })
  const env = { JANKINS_USER: 'root', JANKINS_PASSWORD: 'password of root' }
  const admin = (argv: readonly string[], more: RunOptions = {}) => run(argv, { ...more, env })
  const tokenOf = async (...flags: string[]) => (await admin(['invite', ...flags])).stdout.trim()
  return { daemon, run, credentials, admin, tokenOf }
}

t.test('invite prints a token, register makes the account with it, and later commands use its keys', async t => {
  const { run, credentials, tokenOf } = await setUp(t)
  const token = await tokenOf('--role', 'user', '--expires', '2h')
  t.match(token, /^[0-9a-f]{32}$/)
  t.match(await run(['register', 'ada', '--invite', token], { answers: ['hush', 'hush'] }), {
    ...{ status: 0, stderr: '' },
    stdout: 'account ada is made, role user\n',
  })
  t.equal(statSync(credentials).mode & 0o777, 0o600)
  t.notMatch(readFileSync(credentials, 'utf8'), 'hush')
  t.match(await run(['query']), { status: 0, stderr: '' })
  t.match(await run(['login', 'ada'], { answers: ['hush'] }), { status: 0 })
  t.match(await run(['register', 'eve', '--invite', token, '--generate']), { status: 1, stderr: /E_INVITE/ })
})

t.test(
  'register takes the token from the environment or a person, the password from a file or from chance',
  async t => {
    const { run, tokenOf } = await setUp(t)
    const file = join(temporaryDirectory(t), 'password')
    writeFileSync(file, 'hush\n')
    const env = { JANKINS_INVITE: await tokenOf() }
    const done = jsonLines((await run(['register', 'box', '--json', '--password-file', file], { env })).stdout)
    t.strictSame(done, [{ server: '127.0.0.1:5265', user: 'box', role: 'worker', approved: true }])
    t.match(await run(['login', 'box'], { answers: ['hush'] }), { status: 0 })
    const asked = await run(['register', 'box2', '--generate'], { answers: [await tokenOf()] })
    t.match(asked, { status: 0, stdout: 'account box2 is made, role worker\n' })
    t.match(await run(['workers']), { status: 0 }, 'its keys are kept')
    const both = ['register', 'x', '--invite', 'y', '--generate', '--password-file', file]
    t.match(await run(both), { status: 2, stderr: /not both/ })
    t.match(await run(['register', 'x', '--invite', 'y', '--generate']), { status: 2, stderr: /32 hex digits/ })
  },
)

t.test('an account that waits for approval is told so until an admin has enabled it', async t => {
  const { run, admin, tokenOf } = await setUp(t, { requireApproval: true })
  t.match(await run(['register', 'box', '--invite', await tokenOf(), '--generate']), {
    ...{ status: 0, stdout: 'account box is made, role worker; it waits for an admin\n' },
  })
  t.match(await run(['workers']), { status: 3, stderr: /users enable NAME \(E_NOT_APPROVED\)/ })
  t.match((await admin(['users', 'list'])).stdout, /^box +worker +pending/m)
  t.match(await admin(['users', 'enable', 'box']), { stdout: 'account box is enabled\n' })
  t.match(await run(['workers']), { status: 0 })
})

t.test('invitations are listed and revoked', async t => {
  const { run, admin, tokenOf } = await setUp(t)
  const [first] = [await tokenOf(), await tokenOf('--role', 'reader')]
  t.match(await admin(['invites', 'revoke', '1']), { status: 0, stdout: 'invitation 1 is revoked\n' })
  t.match(await admin(['invites', 'revoke', '1', '--json']), { stdout: '{"invite":1,"changed":false}\n' })
  t.match(await admin(['invites', 'revoke', '1']), { stdout: 'invitation 1 did not hold any more\n' })
  t.match(await admin(['invites', 'revoke', '9']), { status: 1, stderr: /E_INVITE_NOT_FOUND/ })
  t.match(await admin(['invites', 'revoke', 'x']), { status: 2, stderr: /must be the id of an invitation/ })
  t.match((await admin(['invites', 'list'])).stdout, /^ +ID +ROLE .*\n +1 +worker +revoked +root .*\n +2 +reader +open/)
  t.equal((await admin(['invites', 'list', '--quiet'])).stdout, '1\n2\n')
  t.match((await admin(['invites', 'list', '--columns', 'id,state'])).stdout, /^ +ID +STATE *\n +1 +revoked *\n/)
  t.match((await admin(['invites', 'list', '--wide'])).stdout, /MADE BY +MADE +EXPIRES/)
  const listed = jsonLines((await admin(['invites', 'list', '--json'])).stdout)
  t.match(listed, [
    { invite: 1, state: 'revoked' },
    { invite: 2, role: 'reader', state: 'open', user: 'root' },
  ])
  t.notMatch(JSON.stringify(listed), first, 'no token is shown again')
  t.match(await run(['register', 'x', '--invite', first ?? '', '--generate']), { status: 1, stderr: /E_INVITE/ })
  t.match(jsonLines((await admin(['invite', '--json'])).stdout), [{ invite: 3, token: String, role: 'worker' }])
})

t.test('rotate gives an account a new password, which is printed once, and keeps the own login', async t => {
  const { daemon, run, admin } = await setUp(t)
  await daemon.login('worker', { user: 'box' })
  const rotated = await admin(['users', 'rotate', 'box'])
  t.match(rotated, { status: 0, stdout: /^[0-9a-f]{32}\n$/ })
  t.match(await run(['login', 'box'], { answers: ['password of box'] }), { status: 3 })
  t.match(await run(['login', 'box'], { answers: [rotated.stdout.trim()] }), { status: 0 })
  t.match(jsonLines((await admin(['users', 'rotate', 'box', '--json'])).stdout), [{ user: 'box', password: String }])
  t.match(await admin(['users', 'rotate', 'nobody']), { status: 1, stderr: /E_USER_NOT_FOUND/ })
})

t.test('a deleted account stays in the list, and cannot come back', async t => {
  const { daemon, admin } = await setUp(t)
  await daemon.login('user', { user: 'ada' })
  t.match(await admin(['users', 'delete', 'ada']), { status: 0, stdout: 'account ada is deleted\n' })
  t.match(await admin(['users', 'delete', 'ada', '--json']), { stdout: '{"user":"ada","changed":false}\n' })
  t.match(await admin(['users', 'enable', 'ada']), { status: 1, stderr: /deleted for ever.*E_USER_DELETED/ })
  t.match((await admin(['users', 'list'])).stdout, /^ada +user +deleted/m)
})

t.test('audit verify tells whether the log is whole, and what is wrong with it', async t => {
  const { daemon, run, admin, tokenOf } = await setUp(t)
  await tokenOf()
  await admin(['invites', 'revoke', '1'])
  const whole = await run(['audit', 'verify', '--data', daemon.dataDir])
  t.match(whole, { status: 0, stdout: /^the audit log is whole: 2 lines, the last one has the hash [0-9a-f]{64}\n$/ })
  t.match(await run(['audit', 'verify'], { env: { STATE_DIRECTORY: daemon.dataDir } }), { status: 0 })
  const copy = join(temporaryDirectory(t), 'copy')
  const log = readFileSync(join(daemon.dataDir, 'audit.log'), 'utf8')
  writeFileSync(copy, log.replace('worker', 'reader'))
  t.match(await run(['audit', 'verify', copy]), {
    ...{ status: 1, stdout: /^copy: line 1 was changed[^\n]*\nthe audit log is damaged, as told above: 2 lines/ },
  })
  t.match(jsonLines((await run(['audit', 'verify', '--json', copy])).stdout), [{ lines: 2, problems: [String] }])
  t.match(await run(['audit', 'verify', `${copy}.no`]), { status: 1, stderr: /no such file/ })
  const empty = temporaryDirectory(t)
  const none = { status: 1, stdout: `there is no audit log in ${empty}\n` }
  t.match(await run(['audit', 'verify', '--data', empty]), none)
})

t.test('an action says who may queue its jobs', async t => {
  const { daemon, run, admin } = await setUp(t)
  await daemon.login('user', { user: 'uwe' })
  const env = { JANKINS_USER: 'uwe', JANKINS_PASSWORD: 'password of uwe' }
  await admin(['add-action', 'deploy', '--allow', 'user:ada', '--allow', 'role:admin', '--', 'true'])
  t.match((await admin(['actions', 'deploy'])).stdout, /^allow +user:ada,role:admin$/m)
  t.match(await run(['queue', 'deploy'], { env }), { status: 1, stderr: /E_FORBIDDEN/ })
  t.match(await admin(['queue', 'deploy']), { status: 0 })
  t.match(await admin(['add-action', 'x', '--allow', 'ada', '--', 'true']), { status: 2, stderr: /user:NAME/ })
})
