import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { verifyAudit } from '../../../lib/audit/verify.js'
import { isAudited } from '../../../lib/server/connection/audited.js'
import type { Writer } from '../../../lib/server/writer/writer.js'
import { LIMITS } from '../../../protocol/limits.js'
import { METHODS } from '../../../protocol/methods.js'
import { until } from '../../helpers/clock.js'
import { startDaemonInProcess } from '../../helpers/daemon.js'
import { code, credentialFor, invite, newToken, setUp } from './enrolment.js'
import { openPeer } from './peer.js'
import { EMPTY, name, runJob } from './running.js'

type Line = Readonly<Record<string, unknown>>
const linesOf = (dataDir: string): Line[] =>
  readFileSync(join(dataDir, 'audit.log'), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Line)

t.test('a method is audited, or changes nothing, or its end is audited', async t => {
  const rest = Object.keys(METHODS).filter(method => !isAudited(method))
  t.strictSame(rest.sort(), [
    ...[
      'action.compare',
      'action.list',
      'action.show',
      'artifact.read',
      'auth.finish',
      'auth.start',
      'bundle.read',
      'bundle.write',
      'invite.list',
    ],
    ...['job.append', 'job.claim', 'job.decline', 'job.log', 'job.query', 'job.resume'],
    ...['job.show', 'job.started', 'job.wait', 'job.why'],
    ...['secret.list', 'server.status', 'user.list', 'user.register', 'worker.beat', 'worker.list'],
  ])
})

t.test('who did what from where is written before the answer, without what may be secret', async t => {
  const daemon = await startDaemonInProcess(t)
  const secret = 'hunter2'
  const definition = { environment: [['TOKEN', secret]] as const, command: ['deploy', secret] }
  const { admin, worker, held, job } = await runJob(daemon, definition, { parameters: [['KEY', secret]] })
  await admin.call('user.add', { user: name('ada'), role: 'user', ...(await credentialFor(secret)) })
  await admin.call('secret.set', { action: name('build'), secret: 'PASSWORD', value: secret })
  await worker.call('job.finish', { ...held, exitCode: 0, stdout: EMPTY, stderr: EMPTY })
  const told = linesOf(daemon.dataDir).map(({ method, user, role, params }) => ({ method, user, role, params }))
  const [root, box] = [
    { user: 'admin-1', role: 'admin' },
    { user: 'worker-2', role: 'worker' },
  ]
  t.match(told, [
    { ...root, method: 'action.add', params: { action: 'build' } },
    { ...root, method: 'job.queue', params: { action: 'build', key: String } },
    { ...box, method: 'worker.attach', params: { worker: 'box', slots: 4 } },
    { ...box, method: 'job.acknowledge', params: { job } },
    { ...root, method: 'user.add', params: { user: 'ada', role: 'user' } },
    { ...root, method: 'secret.set', params: { action: 'build', secret: 'PASSWORD' } },
    { ...box, method: 'job.finish', params: { job, exitCode: 0 } },
  ])
  t.match(linesOf(daemon.dataDir)[0], { line: 1, address: /^127.0.0.1:\d+$/, connection: Number, request: Number })
  const text = readFileSync(join(daemon.dataDir, 'audit.log'), 'utf8')
  t.notMatch(text, secret)
  t.notMatch(text, held.lease)
  t.notMatch(text, /salt|storedKey|serverKey/)
  t.match(await verifyAudit({ dataDir: daemon.dataDir }), { lines: 7, problems: [] })
})

t.test('a change is never committed without its line', async t => {
  let written: (() => Line[]) | undefined
  const seen: unknown[] = []
  /** Looks at the file when the writer has committed, before anybody is answered. */
  const writer = (real: Writer): Writer => ({
    ...real,
    async setUserState(user, state) {
      const changed = await real.setUserState(user, state)
      seen.push(written?.().at(-1))
      return changed
    },
  })
  const daemon = await startDaemonInProcess(t, { writer })
  written = () => linesOf(daemon.dataDir)
  await daemon.login('user', { user: 'ada' })
  const admin = await daemon.client('admin')
  await admin.call('user.disable', { user: name('ada') })
  t.match(seen, [{ method: 'user.disable', params: { user: 'ada' } }])
})

t.test('a request that is refused has a second line that says so, or one when it never began', async t => {
  const { daemon, admin } = await setUp(t)
  await t.rejects(admin.call('user.disable', { user: name('root') }), code('E_LAST_ADMIN'))
  const reader = await daemon.client('reader')
  await t.rejects(reader.call('job.stop', { job: 1 as never }), code('E_FORBIDDEN'))
  const lines = () => linesOf(daemon.dataDir)
  await until(() => lines().length === 3, 'both refusals are written')
  const [asked, refused, forbidden] = lines()
  t.match(asked, { method: 'user.disable', params: { user: 'root' }, refused: undefined })
  t.match(refused, { method: 'user.disable', refused: 'E_LAST_ADMIN', request: asked?.request as number })
  t.match(forbidden, { user: 'reader-1', role: 'reader', method: 'job.stop', refused: 'E_FORBIDDEN' })
})

t.test('a registration and each kind of failed login is there, and a flood of them is one more line', async t => {
  const { daemon, admin, credential, enrol } = await setUp(t)
  await enrol(await invite(admin), 'box')
  await daemon.login('user', { user: 'ada' })
  for (let n = 0; n < LIMITS.loginsFreeMax.value; n++)
    await t.rejects(daemon.client({ user: name('ada'), password: 'wrong' }), code('E_AUTH'))
  const peer = await openPeer(daemon)
  peer.request(1, 'user.register', { token: newToken(), user: 'x', ...credential })
  t.match(await peer.reply(), { error: { code: 'E_INVITE' } })
  const lines = () => linesOf(daemon.dataDir).filter(({ refused, method }) => refused || method === 'user.register')
  await until(() => lines().length === 4, 'the first of each kind is written')
  await daemon.clock.advance(60_000)
  await until(() => lines().length === 5, 'the others are told together')
  t.match(lines(), [
    { method: 'user.register', params: { user: 'box' } },
    { method: 'auth.finish', user: 'ada', refused: 'E_AUTH', count: undefined },
    { method: 'user.register', params: { user: 'x' } },
    { method: 'user.register', refused: 'E_INVITE' },
    { method: 'auth.finish', user: 'ada', refused: 'E_AUTH', count: LIMITS.loginsFreeMax.value - 1 },
  ])
})
