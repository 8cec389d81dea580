import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Config, ConfigError, loadConfig } from '../../lib/base/config.js'
import { fileKeys } from '../../lib/base/config-keys.js'
import { tlsKeyNames } from '../../lib/base/tls-keys.js'
import { LIMITS } from '../../protocol/limits.js'

const NO_TRUST = {
  fingerprint: undefined,
  caFile: undefined,
  plaintext: false,
  certFile: undefined,
  keyFile: undefined,
}

t.test('jankins.conf with every key uncommented is what the code has as defaults', async t => {
  const text = readFileSync('jankins.conf', 'utf8').replace(/^# (?=[a-z_]+ = |\[)/gm, '')
  const shown = load(t, text)
  t.strictSame(shown.daemon, load(t, '').daemon)
  t.strictSame(shown.worker, load(t, '').worker)
  const written = new Set([...text.matchAll(/^([a-z_]+) = /gm)].map(([, key]) => key))
  const sections = ['worker', 'retention'] as const
  const known = [fileKeys.shape, ...sections.map(name => fileKeys.shape[name].def.innerType.shape)].flatMap(shape =>
    Object.keys(shape),
  )
  const nested = ['address', 'user', 'password_file', 'fingerprint', 'ca', 'plaintext', 'weight', 'subject']
  const tables = ['worker', 'server', 'retention', 'action', 'tls', 'client']
  t.strictSame(written, new Set([...[...known, ...tlsKeyNames].filter(key => !tables.includes(key)), ...nested]))
})

t.test('the defaults are those that the protocol and the manual tell', async t => {
  const { daemon, worker } = load(t, '')
  t.equal(daemon.host, '127.0.0.1')
  t.equal(daemon.port, 5265)
  t.equal(daemon.dataDir, './data')
  t.equal(daemon.metrics, undefined)
  t.equal(daemon.frameBytesMax, LIMITS.frameBytesDefault.value)
  t.equal(daemon.threads, Math.min(4, Math.max(1, Math.floor(availableParallelism() / 2))))
  t.strictSame(worker.servers, [
    {
      address: { host: '127.0.0.1', port: 5265 },
      user: undefined,
      passwordFile: undefined,
      trust: NO_TRUST,
      weight: 1,
    },
  ])
  for (const [buffer, isAllowed] of [
    [LIMITS.frameBytesMin.value, true],
    [LIMITS.frameBytesMax.value, true],
    [LIMITS.frameBytesMin.value - 1, false],
    [LIMITS.frameBytesMax.value + 1, false],
  ] as const) {
    const loading = () => load(t, `buffer = ${buffer}\nbyte_budget = "1GiB"\n`)
    if (isAllowed) t.equal(loading().daemon.frameBytesMax, buffer)
    else t.throws(loading, ConfigError)
  }
})

t.test('a limit that names a key of jankins.conf is what the key is when it is not given', async t => {
  const keys = fileKeys.parse({}) as Readonly<Record<string, unknown>>
  for (const limit of Object.values(LIMITS)) if ('key' in limit) t.equal(keys[limit.key], limit.value, limit.key)
})

t.test('every key reaches the place that it is meant for', async t => {
  const { daemon, worker } = load(
    t,
    `
host = "::1"
port = 0
allow_plaintext = true
require_approval = true
metrics = "[::1]:0"
metrics_allow_remote = true
data = "/var/lib/x"
buffer = "2MiB"
threads = "per-connection"
thread_heap = "1GiB"
byte_budget = "64MiB"
reserve = "2GiB"
connections_max = 7
connections_per_address = 6
connections_per_user = 5
stall_timeout = "5s"
frame_timeout = "2m"
log_level = "debug"
log_format = "text"
[retention]
age = "30d"
count = 100
[retention.action.release]
age = "0s"
bytes = "1GiB"
[tls]
auto = true
client_ca = "/ca.pem"
client_cn = true
[[tls.client]]
subject = "O=Example, CN=Box 7"
user = "box-7"
[worker]
name = "w1"
dir = "/w"
jobs = 3
labels = ["linux", "x64"]
poll = "90s"
pid_namespace = true
[[worker.server]]
address = "[fd00::1]:7000"
user = "u"
password_file = "/p"
fingerprint = "SHA256:x"
ca = "/ca"
plaintext = true
cert = "/c"
key = "/k"
weight = 2
[[worker.server]]
address = "build.example"
`,
  )
  t.strictSame(daemon, {
    host: '::1',
    port: 0,
    allowPlaintext: true,
    tls: {
      certificate: 'auto',
      clients: {
        caFile: '/ca.pem',
        users: { byCommonName: true, bySubject: [{ subject: 'O=Example, CN=Box 7', user: 'box-7' }] },
      },
    },
    requireApproval: true,
    metrics: { host: '::1', port: 0 },
    metricsAllowRemote: true,
    dataDir: '/var/lib/x',
    reserveBytes: 2 * 1024 ** 3,
    frameBytesMax: 2 * 1024 ** 2,
    threads: 'per-connection',
    threadHeapBytes: 1024 ** 3,
    byteBudgetBytes: 64 * 1024 ** 2,
    connectionsMax: 7,
    connectionsPerAddressMax: 6,
    connectionsPerUserMax: 5,
    stallTimeoutMs: 5_000,
    frameTimeoutMs: 120_000,
    logLevel: 'debug',
    logFormat: 'text',
    retention: {
      limits: { ageMs: 30 * 86_400_000, jobsMax: 100 },
      actions: new Map([['release', { jobsMax: 100, bytesMax: 1024 ** 3 }]]),
    },
  })
  t.strictSame(worker, {
    name: 'w1',
    dir: '/w',
    jobs: 3,
    labels: ['linux', 'x64'],
    pollMs: 90_000,
    pidNamespace: true,
    servers: [
      {
        address: { host: 'fd00::1', port: 7000 },
        user: 'u',
        passwordFile: '/p',
        trust: { fingerprint: 'SHA256:x', caFile: '/ca', plaintext: true, certFile: '/c', keyFile: '/k' },
        weight: 2,
      },
      {
        address: { host: 'build.example', port: 5265 },
        user: undefined,
        passwordFile: undefined,
        trust: NO_TRUST,
        weight: 1,
      },
    ],
  })
})

t.test('[tls] that makes no sense is refused with what is missing', async t => {
  const cases = [
    ['cert = "/c"', /:1:1: tls needs both cert and key$/],
    ['auto = true\ncert = "/c"\nkey = "/k"', /tls has either auto or cert and key$/],
    [
      'auto = true\nclient_ca = "/a"',
      /tls lets no certificate of client_ca in: give \[\[tls\.client]] or client_cn = true$/,
    ],
    ['auto = true\nclient_cn = true', /tls needs client_ca for certificates of clients$/],
    ['client_ca = "/a"\nclient_cn = true', /tls needs auto, or cert and key$/],
    ['auto = true\nclient_ca = "/a"\n[[tls.client]]\nuser = "u"', /:4:1: tls\.client needs both subject and user$/],
  ] as const
  for (const [text, message] of cases) t.throws(() => load(t, `[tls]\n${text}\n`), { message }, text)
  t.equal(load(t, '[tls]\n').daemon.tls, undefined)
  t.match(load(t, '[tls]\ncert = "/c"\nkey = "/k"\n').daemon.tls, {
    certificate: { certFile: '/c', keyFile: '/k' },
    clients: undefined,
  })
})

t.test('flags win over the file, the file over the environment', async t => {
  const path = file(t, 'port = 1\ndata = "/from/file"\nthreads = 2\n')
  const flags = { port: '2', threads: 'per-connection', buffer: '64KiB' }
  const { daemon } = loadConfig({ path, environment: { STATE_DIRECTORY: '/from/systemd' }, flags })
  t.equal(daemon.port, 2)
  t.equal(daemon.threads, 'per-connection')
  t.equal(daemon.frameBytesMax, 65_536)
  t.equal(daemon.dataDir, '/from/file')
  t.equal(loadConfig({ path: file(t, ''), environment: { STATE_DIRECTORY: '/a:/b' } }).daemon.dataDir, '/a')
  t.throws(() => loadConfig({ path, environment: {}, flags: { buffer: '1KiB' } }), {
    message: '--buffer must be 64KiB to 64MiB',
  })
})

t.test('JANKINS_CONFIG names the file, an empty one counts as unset', async t => {
  const path = file(t, 'port = 77\n')
  t.equal(loadConfig({ environment: { JANKINS_CONFIG: path } }).daemon.port, 77)
  t.equal(loadConfig({ path: '', environment: { JANKINS_CONFIG: '' } }).path, 'jankins.conf')
  t.throws(() => loadConfig({ environment: { JANKINS_CONFIG: '/nowhere' } }), {
    message: 'cannot read /nowhere: there is no such file',
  })
})

t.test('what is wrong is told with its place', async t => {
  const wrong = [
    ['port = "x"', '1:1: port must be a whole number'],
    ['# c\n\n  port = 70000', '3:3: port must be 0 to 65535'],
    ['host = 3', '1:1: host must be a string'],
    ['buffer = "1 MB"', '1:1: buffer "1 MB" is not a size such as 4096, 64KiB, 8MiB or 1GiB'],
    ['stall_timeout = "soon"', '1:1: stall_timeout "soon" is not a duration such as 500ms, 90s, 5m, 2h or 1d'],
    ['stall_timeout = "1ms"', '1:1: stall_timeout must be 1s to 1h'],
    ['log_level = "loud"', '1:1: log_level must be one of debug, info, warn, error'],
    ['thread = 1', '1:1: thread is not a key that jankins knows'],
    ['[worker]\nname = "a"\njob = 1', '3:1: worker.job is not a key that jankins knows'],
    [
      '[[worker.server]]\nweight = 1\n[[worker.server]]\nuser = "u"\nweight = 0\n',
      '5:1: worker.server.weight must be 1 to 1000',
    ],
    ['metrics = "localhost"', '1:1: metrics must be HOST:PORT'],
    ['metrics = "localhost:70000"', '1:1: metrics must be HOST:PORT'],
    ['[[worker.server]]\naddress = "a b"', '2:1: worker.server.address must be HOST:PORT'],
    ['[server]\nport = 1', '1:1: server is not a key that jankins knows'],
  ] as const
  for (const [text, message] of wrong) {
    const path = file(t, text)
    t.throws(() => loadConfig({ path, environment: {} }), { name: 'ConfigError', message: `${path}:${message}` }, text)
  }
  t.throws(() => load(t, 'a = \n'), /jankins\.conf:1:\d+: /)
  t.throws(() => load(t, 'buffer = "64MiB"\nbyte_budget = "255MiB"'), {
    message: 'byte_budget must be at least 4 times buffer, which is 64MiB',
  })
})

function load(t: Test, text: string): Config {
  return loadConfig({ path: file(t, text), environment: {} })
}

function file(t: Test, text: string): string {
  const path = join(t.testdir(), 'jankins.conf')
  writeFileSync(path, text)
  return path
}
