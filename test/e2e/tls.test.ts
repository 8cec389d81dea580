import { readFileSync, rmSync, statSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import { dialTcp } from '../../lib/client/tcp.js'
import { dialTls } from '../../lib/client/tls.js'
import { makeCertificate } from '../../lib/server/front/tls-certificate.js'
import { parseName } from '../../protocol/ids.js'
import { commandLine } from '../cli/harness.js'
import { addAction, queued, startWorker, THREAD_MODES } from '../helpers/jobs.js'
import { python } from '../helpers/notify.js'
import { quietPort } from '../helpers/ports.js'
import { cli, connectAs, type DaemonProcess, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { manInTheMiddle, pinned, startTlsDaemon } from '../helpers/tls.js'

const admin = parseName('admin')!
const whereOf = ({ address }: DaemonProcess): string => `${address.host}:${address.port}`

for (const { threads, args } of THREAD_MODES)
  t.test(`with ${threads} a job runs through TLS from its queueing to its artifacts`, async t => {
    const daemon = await startTlsDaemon(t, { args })
    await addAction(t, daemon, ['make', '--artifact', '*.txt', '--', 'sh', '-c', 'echo made; seq 200000 > n.txt'])
    startWorker(t, daemon)
    const run = await cli(t, ['run', 'make'], daemon)
    t.match(run, { code: 0, stderr: '' })
    t.equal(String(run.stdout), 'made\n')
    const job = await queued(t, daemon, ['make', '--wait'])
    t.equal(String((await cli(t, ['log', job], daemon)).stdout), 'made\n')
    const out = join(temporaryDirectory(t), 'out')
    t.equal((await cli(t, ['fetch', job, '-o', out], daemon)).code, 0)
    t.equal(readFileSync(join(out, 'n.txt'), 'utf8').split('\n').length, 200_001)
    t.equal((await daemon.stop()).code, 0)
  })

t.test('a certificate is pinned by its fingerprint, and one that has changed is refused with both', async t => {
  const port = await quietPort()
  const dataDir = join(temporaryDirectory(t), 'data')
  const options = { dataDir, args: ['--port', String(port)] }
  const first = await startTlsDaemon(t, options)
  t.equal(statSync(join(dataDir, 'tls.pem')).mode & 0o777, 0o600)
  const XDG_CONFIG_HOME = temporaryDirectory(t)
  const env = { XDG_CONFIG_HOME, JANKINS_PASSWORD: first.password }
  const kept = { XDG_CONFIG_HOME, JANKINS_SERVER: whereOf(first) }
  const where = `admin@${whereOf(first)}`

  const unknown = await cli(t, ['login', where], { env })
  t.equal(unknown.code, 2)
  t.match(unknown.stderr, new RegExp(`no terminal .*give --fingerprint ${first.fingerprint.replaceAll('+', '\\+')}`))
  t.equal((await cli(t, ['login', where, '--fingerprint', first.fingerprint], { env })).code, 0)
  t.equal(statSync(join(XDG_CONFIG_HOME, 'jankins', 'servers.json')).mode & 0o777, 0o600)
  t.match(await cli(t, ['status'], { env: kept }), { code: 0, stderr: '' }, 'it is remembered')

  await first.stop()
  rmSync(join(dataDir, 'tls.pem'))
  const second = await startTlsDaemon(t, options)
  t.not(second.fingerprint, first.fingerprint)
  const { code, stderr } = await cli(t, ['status'], { env: kept })
  t.equal(code, 3)
  t.ok(stderr.includes(`known is ${first.fingerprint}, shown is ${second.fingerprint}`), stderr)
  t.ok(stderr.includes(`jankins login ${whereOf(first)} --fingerprint ${second.fingerprint}`), 'what to do')
  t.equal(stderr.split('\n').length, 2, 'one line')
  t.equal((await cli(t, ['login', where, '--fingerprint', second.fingerprint], { env })).code, 0)
  t.equal((await cli(t, ['status'], { env: kept })).code, 0)
})

t.test('a person is asked about a certificate that nobody has vouched for', async t => {
  const daemon = await startTlsDaemon(t)
  const { run } = commandLine(t, dialTcp, systemClock)
  const argv = ['login', '--server', whereOf(daemon), '--user', 'admin']
  const answers = (answer: string) => ({ answers: [daemon.password, answer] })
  t.match(await run(argv, answers('no')), { status: 2, stderr: /is not trusted\n$/ })
  t.match(await run(argv, answers('yes')), { status: 0, stdout: /logged in at/ })
  t.match(await run(['status', '--server', whereOf(daemon)]), { status: 0, stderr: '' })
  const other = await run(['status'], { env: { ...daemon.env, JANKINS_FINGERPRINT: 'SHA256:short' } })
  t.match(other, { status: 2, stderr: /a fingerprint is SHA256:/ })
})

t.test('an account is registered at a daemon that is not known yet, and it is known then', async t => {
  const encrypted = await startTlsDaemon(t)
  const plain = await startDaemon(t)
  for (const [daemon, trust] of [
    [encrypted, ['--fingerprint', encrypted.fingerprint]],
    [plain, ['--plaintext']],
  ] as const) {
    const invited = await cli(t, ['invite', '--role', 'worker'], daemon)
    const token = String(invited.stdout).split('\n')[0] ?? ''
    const env = { XDG_CONFIG_HOME: temporaryDirectory(t), JANKINS_SERVER: whereOf(daemon), JANKINS_INVITE: token }
    if (daemon === encrypted)
      t.match(await cli(t, ['register', 'box-7', '--generate'], { env }), { code: 2, stderr: /no terminal/ })
    t.match(await cli(t, ['register', 'box-7', '--generate', ...trust], { env }), { code: 0, stderr: '' })
    t.match(await cli(t, ['status'], { env }), { code: 0, stderr: '' })
    const wrong = { ...daemon.env, JANKINS_PASSWORD: 'guess' }
    t.match(await cli(t, ['status'], { env: wrong }), { code: 3, stderr: /E_AUTH/ })
    const lines = readFileSync(join(daemon.dataDir, 'audit.log'), 'utf8').split('\n').slice(0, -1)
    const noted = lines.map(line => JSON.parse(line) as Record<string, unknown>)
    for (const method of ['user.register', 'auth.finish']) {
      const entry = noted.find(entry => entry.method === method)
      t.match(entry, { connection: Number, address: String })
      t.notOk(entry && 'tls' in entry, 'what a channel is bound by is in no log')
    }
  }
})

t.test('a man in the middle is refused although the password is right', async t => {
  const daemon = await startTlsDaemon(t)
  const login = { user: admin, password: daemon.password }
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const middle = await manInTheMiddle(t, daemon.address, makeCertificate(0), version)
    const fooled = connectAs(middle.address, login, pinned(middle.fingerprint))
    const reason = 'the channel is another: somebody sits in between'
    await t.rejects(fooled, { code: 'E_AUTH', detail: { reason } }, version)
    const wary = connectAs(middle.address, login, pinned(daemon.fingerprint))
    await t.rejects(wary, { cause: { fault: 'other-certificate' } }, version)
  }
  t.equal((await daemon.connect()).role, 'admin')
})

t.test('TLS 1.2 is enough, and binds the proof to the certificate', async t => {
  const daemon = await startTlsDaemon(t, { env: { NODE_OPTIONS: '--tls-max-v1.2' } })
  const wire = await dialTls(daemon.address, pinned(daemon.fingerprint))
  t.strictSame(Object.keys(wire.bindings ?? {}), ['tls-server-end-point'])
  wire.destroy()
  t.equal((await daemon.connect()).role, 'admin')
})

t.test('TLS on one side only is told in one line on both', async t => {
  const encrypted = await startTlsDaemon(t)
  const plain = await startDaemon(t)
  const login = (daemon: DaemonProcess) => ({ user: admin, password: daemon.password })
  await t.rejects(connectAs(encrypted.address, login(encrypted)), { code: 'E_TLS_REQUIRED' })
  const here = await cli(t, ['status'], { env: { ...encrypted.env, JANKINS_FINGERPRINT: '' } })
  t.match(here, { code: 3, stderr: /^jankins: this daemon speaks TLS only; run jankins login [^\n]*\n$/ })
  const there = await cli(t, ['status'], { env: { ...plain.env, JANKINS_FINGERPRINT: encrypted.fingerprint } })
  t.match(there, { code: 3, stderr: /^jankins: cannot reach [^\n]*: it speaks no TLS: [^\n]*--plaintext [^\n]*\n$/ })
  const { stderr: ofEncrypted } = await encrypted.stop()
  const { stderr: ofPlain } = await plain.stop()
  t.equal(ofEncrypted.split('\n').filter(line => /it does not speak TLS, and this port does/.test(line)).length, 2)
  t.equal(ofPlain.split('\n').filter(line => /it speaks TLS, and this port does not/.test(line)).length, 1)
})

t.test('beyond this machine no proof is sent in plaintext unless that was said once', async t => {
  const host = otherAddress(t)
  if (host === undefined) return
  const daemon = await startDaemon(t, { args: ['--host', '0.0.0.0'], config: 'allow_plaintext = true\n' })
  const where = `${host}:${daemon.address.port}`
  const XDG_CONFIG_HOME = temporaryDirectory(t)
  const env = { ...daemon.env, JANKINS_SERVER: where, XDG_CONFIG_HOME }
  const refused = await cli(t, ['status'], { env })
  t.match(refused, { code: 3, stderr: /cannot reach [^\n]*: its certificate is not known here; run jankins login/ })
  t.match(await cli(t, ['login', where], { env }), {
    code: 3,
    stderr: /it speaks no TLS: [^\n]*jankins login --plaintext/,
  })
  t.notMatch(daemon.stderr(), /a login failed/, 'nothing was sent')
  t.equal((await cli(t, ['status'], { env: { ...env, JANKINS_PLAINTEXT: '1' } })).code, 0, 'scripts say it each time')
  t.equal((await cli(t, ['status'], { env })).code, 3)
  t.equal((await cli(t, ['login', '--plaintext', where], { env })).code, 0)
  t.equal((await cli(t, ['status'], { env })).code, 0, 'and people once')
})

t.test('beyond this machine a daemon with TLS needs no allow_plaintext', async t => {
  const daemon = await startTlsDaemon(t, { args: ['--host', '0.0.0.0'] })
  const host = otherAddress(t) ?? '127.0.0.1'
  const env = { ...daemon.env, JANKINS_SERVER: `${host}:${daemon.address.port}` }
  t.match(await cli(t, ['status'], { env }), { code: 0, stderr: '' })
  const unknown = await cli(t, ['status'], { env: { ...env, JANKINS_FINGERPRINT: '' } })
  t.equal(unknown.code, 3)
  await addAction(t, { ...daemon, env }, ['deploy', '--', 'sh', '-c', 'test "$TOKEN" = sesame'])
  t.match(await cli(t, ['secret', 'set', 'deploy', 'TOKEN'], { env, input: 'sesame' }), { code: 0, stderr: '' })
  startWorker(t, { ...daemon, env })
  t.match(await cli(t, ['run', 'deploy'], { env }), { code: 0, stderr: '' }, 'and secrets may travel')
})

t.test('a socket that systemd hands over speaks TLS too', async t => {
  const daemon = await startTlsDaemon(t, { by: python('inherit-socket.py'), env: { ANY_ADDRESS: '1' } })
  t.equal((await cli(t, ['status'], { env: daemon.env })).code, 0)
  t.equal((await daemon.stop()).code, 0)
})

/** An address of this machine that is not loopback. */
function otherAddress(t: Test): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])
  const found = all.find(({ internal, family }) => !internal && family === 'IPv4')?.address
  if (found === undefined) t.comment('NOT TESTED: this machine has no address but loopback')
  return found
}
