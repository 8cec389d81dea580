import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { addAction } from '../helpers/jobs.js'
import {
  cli,
  type DaemonProcess,
  type Running,
  startCli,
  startDaemon,
  temporaryDirectory,
} from '../helpers/processes.js'

const GUIDE = readFileSync('docs/security.md', 'utf8')

const blocks = (language: string): string[] =>
  [...GUIDE.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, text = '']) => text)

/** A directory in which the steps of docs/security.md were taken. */
function followGuide(t: Test): string {
  const dir = temporaryDirectory(t)
  const steps = blocks('sh')
  t.equal(steps.length, 3, 'authority, daemon, client')
  execFileSync('sh', ['-e'], { cwd: dir, input: steps.join(''), stdio: 'pipe' })
  const verify = ['verify', '-CAfile', 'ca.pem', 'server.pem', 'box-7.pem']
  t.match(execFileSync('openssl', verify, { cwd: dir, encoding: 'utf8' }), /^server\.pem: OK\nbox-7\.pem: OK\n$/)
  return dir
}

interface Secured extends DaemonProcess {
  /** Home of an admin who has logged in by password, through the CA. */
  readonly admin: Readonly<Record<string, string>>
  readonly where: string
}

async function startSecured(t: Test, dir: string, config: string): Promise<Secured> {
  const daemon = await startDaemon(t, { cwd: dir, config })
  const where = `${daemon.address.host}:${daemon.address.port}`
  const admin = { XDG_CONFIG_HOME: temporaryDirectory(t), JANKINS_SERVER: where }
  const login = ['login', `admin@${where}`, '--ca', 'ca.pem', '--password-file', join(daemon.dataDir, 'admin-password')]
  t.match(await cli(t, login, { cwd: dir, env: admin }), { code: 0, stderr: '' })
  for (const user of ['box-7', 'box-8'])
    t.equal((await cli(t, ['users', 'add', user, '--role', 'worker', '--generate'], { env: admin })).code, 0)
  return { ...daemon, where, admin }
}

t.test('the steps of docs/security.md make a daemon that knows its clients by certificate', async t => {
  const dir = followGuide(t)
  const daemon = await startSecured(t, dir, blocks('toml').join(''))
  const home = { XDG_CONFIG_HOME: temporaryDirectory(t), JANKINS_SERVER: daemon.where }
  const login = ['login', daemon.where, '--ca', 'ca.pem', '--cert', 'box-7.pem', '--key', 'box-7-key.pem']
  const done = await cli(t, login, { cwd: dir, env: home })
  t.match(done, { code: 0, stderr: '' })
  t.equal(String(done.stdout), `logged in at ${daemon.where} as box-7, role worker\n`)
  t.match(await cli(t, ['status'], { env: home }), { code: 0, stderr: '' }, 'and it is remembered')
  const script = {
    JANKINS_SERVER: daemon.where,
    JANKINS_CA: 'ca.pem',
    JANKINS_CERT: 'box-7.pem',
    JANKINS_KEY: 'box-7-key.pem',
  }
  t.equal((await cli(t, ['status'], { cwd: dir, env: script })).code, 0, 'a script needs no login')
  const other = await cli(t, ['status', '--user', 'box-8'], { cwd: dir, env: script })
  t.match(other, { code: 3, stderr: /the certificate is not that of this account/ })

  t.equal((await cli(t, ['users', 'disable', 'box-7'], { env: daemon.admin })).code, 0)
  t.match(await cli(t, ['status'], { env: home }), { code: 3, stderr: /E_AUTH/ }, 'a disabled account is out')
  t.equal((await cli(t, ['users', 'enable', 'box-7'], { env: daemon.admin })).code, 0)
  t.equal((await cli(t, ['status'], { env: home })).code, 0)
})

t.test('a worker works by certificate, as its configuration says', async t => {
  const dir = followGuide(t)
  const daemon = await startSecured(t, dir, blocks('toml').join(''))
  const config = join(dir, 'worker.conf')
  const lines = [
    `address = "${daemon.where}"`,
    'user = "box-7"',
    'ca = "ca.pem"',
    'cert = "box-7.pem"',
    'key = "box-7-key.pem"',
  ]
  writeFileSync(config, `[[worker.server]]\n${lines.join('\n')}\n`)
  await addAction(t, { ...daemon, env: daemon.admin }, ['hello', '--', 'echo', 'hello'])
  startWork(t, dir, config)
  const run = await cli(t, ['run', 'hello'], { env: daemon.admin })
  t.match(run, { code: 0, stderr: '' })
  t.equal(String(run.stdout), 'hello\n')
})

t.test('a certificate is an account by its whole subject, and one of another authority is nobody', async t => {
  const dir = followGuide(t)
  const mapping = 'client_cn = false\n[[tls.client]]\nsubject = "O = Example, CN = box-7"\nuser = "box-8"\n'
  const daemon = await startSecured(t, dir, blocks('toml').join('').replace('client_cn = true\n', mapping))
  const env = { JANKINS_SERVER: daemon.where, JANKINS_CA: join(dir, 'ca.pem') }
  const by = (home: string, user: string) => ({
    ...env,
    ...{ JANKINS_USER: user, JANKINS_CERT: join(home, 'box-7.pem'), JANKINS_KEY: join(home, 'box-7-key.pem') },
  })
  t.equal((await cli(t, ['status'], { env: by(dir, 'box-8') })).code, 0)
  t.match(await cli(t, ['status'], { env: by(dir, 'box-7') }), { code: 3, stderr: /is not that of this account/ })
  const elsewhere = followGuide(t)
  t.match(await cli(t, ['status'], { env: by(elsewhere, 'box-8') }), { code: 3, stderr: /client is not good: \w+/ })
  const wrongCa = { ...by(dir, 'box-8'), JANKINS_CA: join(elsewhere, 'ca.pem') }
  t.match(await cli(t, ['status'], { env: wrongCa }), { code: 3, stderr: /its certificate is not trusted/ })
  t.match(await cli(t, ['status'], { env: { ...env, JANKINS_CERT: 'x' } }), { code: 2, stderr: /needs its key/ })
})

t.test('an account is registered through an authority', async t => {
  const dir = followGuide(t)
  const daemon = await startSecured(t, dir, blocks('toml').join(''))
  const token = String((await cli(t, ['invite'], { env: daemon.admin })).stdout).split('\n')[0] ?? ''
  const env = { XDG_CONFIG_HOME: temporaryDirectory(t), JANKINS_SERVER: daemon.where, JANKINS_INVITE: token }
  t.match(await cli(t, ['register', 'ada', '--generate', '--ca', 'ca.pem'], { cwd: dir, env }), { code: 0, stderr: '' })
  t.match(await cli(t, ['whoami'], { env }), { code: 0, stderr: '' })
})

function startWork(t: Test, cwd: string, config: string): Running {
  return startCli(t, ['work', '--config', config, '--name', 'box-7', '--dir', temporaryDirectory(t)], { cwd })
}
