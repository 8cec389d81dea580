import { Buffer } from 'node:buffer'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import { silentLog } from '../../lib/base/log.js'
import { formatAddress } from '../../lib/client/address.js'
import { type Client, connect } from '../../lib/client/connection.js'
import { newCookie } from '../../lib/worker/environment.js'
import { openMachine } from '../../lib/worker/machine/linux.js'
import { type JobId, parseName } from '../../protocol/ids.js'
import type { KeyLogin } from '../helpers/daemon.js'
import { cli, type DaemonProcess, runDaemon, startCli, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { type Bench, endOf, processesWith, startBench, until } from '../helpers/worker-bench.js'
import { attachParams, newClaim } from '../server/connection/running.js'

const ACTION = parseName('deploy')!
const TOKEN = 'S3cr3t/of+the~action'
/** A script that holds the value itself would be found wherever actions are kept. */
const IS_RIGHT = `printf "%s" "$TOKEN" | sha256sum | grep -q ${createHash('sha256').update(TOKEN).digest('hex')}`
const KEY = '-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END KEY-----'

async function stage(t: Test, script: string) {
  const daemon = await startDaemon(t)
  const admin = await daemon.connect()
  await admin.call('action.add', { action: ACTION, script })
  for (const [name, value] of [
    ['TOKEN', TOKEN],
    ['KEY', KEY],
  ] as const) {
    const set = await cli(t, ['secret', 'set', 'deploy', name], { env: daemon.env, input: `${value}\n` })
    t.equal(set.code, 0, set.stderr)
  }
  const { jobs } = await admin.call('job.queue', { action: ACTION, key: 'secrets-key' })
  const stateDir = join(temporaryDirectory(t), 'state')
  const worker = () => startCli(t, ['work', '--name', 'box', '--dir', stateDir], { env: daemon.env })
  return { daemon, admin, job: jobs[0]!, stateDir, worker }
}

async function logOf(admin: Client, job: JobId, stream: 'stdout' | 'stderr'): Promise<string> {
  const pieces: Buffer[] = []
  for (let offset = 0; ; ) {
    const page = await admin.call('job.log', { job, stream, offset, bytesMax: 262_144 })
    for (const { data } of page.chunks) pieces.push(Buffer.from(data))
    if (page.next === offset) return Buffer.concat(pieces).toString()
    offset = page.next
  }
}

/** The files below a directory that hold the text, and those that others than their owner may read. */
function filesWith(dir: string, text: string): readonly string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(path => readFileSync(path).includes(text))
}

/** Of a process, which may have ended meanwhile: the job lives on short ones. */
function wordsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}

const stdoutOf = (stateDir: string): string => {
  const attempts = join(stateDir, 'attempts')
  const [name] = existsSync(attempts) ? readdirSync(attempts) : []
  return join(attempts, name ?? 'none', 'stdout')
}
const sizeOf = (path: string): number => (existsSync(path) ? statSync(path).size : 0)

t.test('a job has the secrets of its action, and its log shows none of them, in whatever form', async t => {
  const script = [
    'printf "%s\\n" "$TOKEN" "$KEY" "user:$TOKEN@host"',
    'printf "%s" "$TOKEN" | base64',
    'printf "user:%s" "$TOKEN" | base64 >&2',
    'echo MIIEvQIBADANBgkqhkiG9w0B; echo S3cr3t%2Fof%2Bthe~action',
    'tr "\\0" "\\n" </proc/$PPID/environ | grep -c "^TOKEN="',
    'env | grep -E "PASSWORD|JANKINS_USER|JANKINS_SERVER|XDG" && exit 9',
    `${IS_RIGHT} && echo right`,
  ].join('\n')
  const { daemon, admin, job, stateDir, worker } = await stage(t, script)
  const working = worker()
  t.match(await endOf(admin, job), { state: 'COMPLETE', exitCode: 0 })
  const stdout = await logOf(admin, job, 'stdout')
  const stderr = await logOf(admin, job, 'stderr')
  const stars = (text: string): string => '*'.repeat(text.length)
  t.equal(stdout.split('\n')[0], stars(TOKEN))
  t.match(stdout, `user:${stars(TOKEN)}@host`)
  t.match(stdout, /\n\*{24}\n\*{24}\n/)
  t.match(stdout, /\nright\n$/)
  const all = stdout + stderr
  for (const form of [TOKEN, ...KEY.split('\n'), encodeURIComponent(TOKEN)]) t.notOk(all.includes(form), form)
  for (const before of ['', 'user:']) {
    const encoded = Buffer.from(before + TOKEN).toString('base64')
    t.notOk(all.includes(encoded.slice(8, 20)), encoded)
  }
  working.child.kill('SIGTERM')
  t.equal((await working.ended).code, 0)
  t.strictSame(filesWith(stateDir, TOKEN), [])
  t.strictSame(filesWith(daemon.dataDir, TOKEN), [], 'nor a file of the daemon')
  t.notMatch(working.stderr() + daemon.stderr(), TOKEN)
  t.equal(statSync(join(daemon.dataDir, 'secret-key')).mode & 0o777, 0o600)
})

t.test('a worker that is killed in the midst of a secret is followed by one that hides the rest', async t => {
  const go = join(temporaryDirectory(t), 'go')
  const script = `seq 1 20000; printf "<%.8s" "$TOKEN"; while [ ! -e ${go} ]; do sleep 0.05; done
    printf "%s>\\n" "\${TOKEN#????????}"; printf "%s" "$KEY"`
  const { daemon, admin, job, stateDir, worker } = await stage(t, script)
  const first = worker()
  const before = Array.from({ length: 20_000 }, (_, i) => `${i + 1}\n`).join('')
  await until('half a secret is written', () => sizeOf(stdoutOf(stateDir)) === before.length + 9)
  const stored = join(daemon.dataDir, 'logs', '0', `${job}.stdout`)
  await until('what goes before it was shipped', () => sizeOf(stored) === before.length + 1)
  t.strictSame(
    filesWith(stateDir, TOKEN).filter(path => path !== stdoutOf(stateDir)),
    [],
    'the state directory of a running job holds no secret but what the job writes itself',
  )
  const pids = await processesWith(TOKEN)
  t.ok(pids.length > 0, 'its processes have it in their environment')
  for (const pid of pids) t.notMatch(wordsOf(pid), TOKEN, 'and not in their words')
  t.ok(existsSync(join(stdoutOf(stateDir), '..', 'masked')), 'whoever adopts it knows that there is something to hide')
  first.child.kill('SIGKILL')
  await first.ended
  await cli(t, ['secret', 'set', 'deploy', 'TOKEN'], { env: daemon.env, input: 'another value' })
  const second = worker()
  await until('it is adopted', () => second.stderr().includes('adopting'))
  writeFileSync(go, '')
  t.match(await endOf(admin, job), { state: 'COMPLETE', exitCode: 0, attempt: 1 })
  const stars = `<${'*'.repeat(TOKEN.length)}>\n${'*'.repeat(KEY.length)}`
  t.equal(await logOf(admin, job, 'stdout'), before + stars)
  second.child.kill('SIGTERM')
  t.equal((await second.ended).code, 0)
  t.notMatch(second.stderr(), /sending again|is lost|are lost/)
})

t.test(
  'a job is adopted over a line that others can read, unless it has secrets that its log must not show',
  async t => {
    for (const isMasked of [false, true]) {
      const messages: string[] = []
      const told = (message: string): void => void messages.push(message)
      const bench = await startBench(t, { ...silentLog, error: told })
      const { admin, daemon } = bench
      const go = join(temporaryDirectory(t), 'go')
      const script = `while [ ! -e ${go} ]; do sleep 0.05; done; echo gone on`
      await admin.call('action.add', { action: ACTION, script })
      const { jobs } = await admin.call('job.queue', { action: ACTION, key: 'plain-key' })
      const login = await daemon.login('worker')
      const cookie = await leaveRunning(bench, login, isMasked)
      await admin.call('secret.set', { action: ACTION, secret: 'TOKEN', value: TOKEN })
      await bench.work({ servers: [{ address: FAR, login, weight: 1 }] })
      if (isMasked) await until('it is given up', () => messages.includes('a job was given up'))
      else {
        writeFileSync(go, '')
        t.match(await bench.ended(jobs[0]!), { state: 'COMPLETE', exitCode: 0, attempt: 1 })
        t.equal(String(await bench.log(jobs[0]!)), 'gone on\n')
      }
      await until('no process of it is left', async () => (await processesWith(cookie)).length === 0)
    }
  },
)

/** Another machine, in plain. */
const FAR = { host: '192.0.2.7', port: 1 }

/** Takes a job as a worker process that dies then. @returns what its processes have in their environment */
async function leaveRunning({ daemon, stateDir }: Bench, login: KeyLogin, isMasked: boolean): Promise<string> {
  const machine = await openMachine({ stateDir, clock: systemClock, useCgroup: false })
  const client = await connect({ dial: daemon.dial, address: FAR, login, clock: systemClock })
  await client.call('worker.attach', attachParams('tester'))
  const { grant } = await client.call('job.claim', { claim: newClaim(), waitMs: 0 })
  const cookie = newCookie(machine.random)
  const record = { grant: grant!, server: formatAddress(FAR), user: login.user, cookie }
  const files = await machine.attempts.create(record)
  t.strictSame(await client.call('job.acknowledge', { job: grant!.job, lease: grant!.lease }), {})
  if (isMasked) await files.markMasked()
  await files.markLaunched()
  await files.writeLeaseEnd(machine.bootClock.bootMs() + grant!.leaseMs)
  await machine.executor.start(files, { PATH: String(process.env.PATH), [cookie.name]: cookie.value })
  client.destroy()
  await machine.release()
  return `${cookie.name}=${cookie.value}`
}

t.test('a backup holds what opens the secrets, and check tells when others may read it', async t => {
  const { daemon, admin, job } = await stage(t, IS_RIGHT)
  const file = join(temporaryDirectory(t), 'backup.tar')
  t.equal((await runDaemon(t, ['backup', file, '--data', daemon.dataDir])).code, 0)
  t.notOk(readFileSync(file).includes(TOKEN))
  t.match(execFileSync('tar', ['--list', `--file=${file}`], { encoding: 'utf8' }), /^secret-key$/m)
  await admin.call('job.stop', { job })
  await daemon.stop()
  const dataDir = join(temporaryDirectory(t), 'restored')
  t.equal((await runDaemon(t, ['restore', file, '--data', dataDir])).code, 0)
  const restored: DaemonProcess = await startDaemon(t, { dataDir })
  const state = join(temporaryDirectory(t), 'state')
  const once = await cli(t, ['work', '--once', '--name', 'box', '--dir', state, '--json'], { env: restored.env })
  t.match(JSON.parse(String(once.stdout)), { job, state: 'COMPLETE', exitCode: 0 })
  execFileSync('chmod', ['0644', join(dataDir, 'secret-key')])
  const check = await runDaemon(t, ['check', '--data', dataDir])
  t.equal(check.code, 1)
  t.match(String(check.stdout), /others than its owner may use .*secret-key\n.*chmod 0600/)
})
