import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { jsonLines, temporaryDirectory } from './harness.js'
import { setUp } from './people.js'

t.test('accounts are made, listed, disabled and enabled', async t => {
  const { run, as } = await setUp(t)
  const admin = await as('admin')
  const secret = join(temporaryDirectory(t), 'secret')
  writeFileSync(secret, 'hush\n')
  t.match(await admin(['users', 'add', 'uwe', '--exec', '--password-file', secret]), {
    status: 0,
    stdout: 'account uwe is made, role user\n',
  })
  const generated = await admin(['users', 'add', 'w', '--role', 'worker', '--generate'])
  t.match(generated, { status: 0, stdout: /^[0-9a-f]{32}\n$/ })
  t.match(await run(['login', 'w'], { answers: [generated.stdout.trim()] }), { stdout: /role worker/ })
  t.match(await run(['login', 'uwe'], { answers: ['hush'] }), { status: 0 })
  t.match(await admin(['users', 'add', 'uwe', '--generate']), { status: 1, stderr: /E_USER_EXISTS/ })
  t.match(await admin(['users', 'disable', 'uwe']), { status: 0, stdout: 'account uwe is disabled\n' })
  t.match(await run(['login', 'uwe'], { answers: ['hush'] }), { status: 3 })
  t.match(await admin(['users', 'disable', 'uwe', '--json']), { stdout: '{"user":"uwe","changed":false}\n' })
  t.match(await admin(['users', 'enable', 'uwe']), { status: 0 })
  t.match(await admin(['users', 'enable', 'nobody']), { status: 1, stderr: /E_USER_NOT_FOUND/ })
  t.match(jsonLines((await admin(['users', 'list', '--json'])).stdout), [
    { user: 'admin-1', role: 'admin', active: true, mayExec: false },
    { user: 'uwe', role: 'user', active: true, mayExec: true },
    { user: 'w', role: 'worker', active: true },
  ])
  t.match((await admin(['users', 'list'])).stdout, /^USER +ROLE +STATE +EXEC +CREATED\nadmin-1 +admin +active/)
  const user = await as('user')
  t.match(await user(['users', 'list']), { status: 1, stderr: /E_FORBIDDEN/ })
})

t.test('an action keeps every option that it was given', async t => {
  const { as } = await setUp(t)
  const admin = await as('admin')
  const { status, stdout } = await admin([
    ...['add-action', 'build', '--env', 'A=1', '--env', 'B=x=y', '--dir', '/tmp', '--labels', 'linux,big'],
    ...[
      '--timeout',
      '1h',
      '--lease',
      '90s',
      '--grace',
      '5s',
      '--priority',
      '-3',
      '--retries',
      '2',
      '--max-running',
      '4',
    ],
    ...['--artifact', 'dist/**', '--artifact', '*.log', '--stderr', 'merge', '--log-limit', '64MiB'],
    ...['--on-log-limit', 'stop', '--', 'make', '-j', '--', 'all'],
  ])
  t.match({ status, stdout }, { status: 0, stdout: 'action build is defined\n' })
  t.strictSame(jsonLines((await admin(['actions', 'build', '--json'])).stdout), [
    {
      action: 'build',
      active: true,
      command: ['make', '-j', '--', 'all'],
      environment: [
        ['A', '1'],
        ['B', 'x=y'],
      ],
      dir: '/tmp',
      timeLimitMs: 3_600_000,
      leaseMs: 90_000,
      graceMs: 5_000,
      labels: ['big', 'linux'],
      priority: -3,
      artifacts: ['dist/**', '*.log'],
      retries: 2,
      runningMax: 4,
      stderr: 'merge',
      logLimitBytes: 64 * 1024 * 1024,
      onLogLimit: 'stop',
    },
  ])
})

t.test('an action is defined once, changed only on demand, disabled and enabled', async t => {
  const { as } = await setUp(t)
  const admin = await as('admin')
  const dir = temporaryDirectory(t)
  writeFileSync(join(dir, 'script'), '#!/bin/sh\necho hi\n')
  t.match(await admin(['add-action', 'a', '--', 'true']), { status: 0 })
  t.match(await admin(['add-action', 'a', '--json', '--', 'true']), { stdout: '{"action":"a","changed":false}\n' })
  t.match(await admin(['add-action', 'a', '--', 'false']), { status: 1, stderr: /--replace.*E_ACTION_EXISTS/ })
  t.match(await admin(['add-action', 'a', '--replace', '--script', `${dir}/script`]), { status: 0 })
  t.match((await admin(['actions', 'a'])).stdout, /script +#!\/bin\/sh\\necho hi/)
  t.match(await admin(['add-action', 'a', '--script', `${dir}/none`]), { status: 2, stderr: /cannot read the script/ })
  t.match(await admin(['add-action', 'a']), { status: 2, stderr: /either -- CMD/ })
  t.match(await admin(['disable', 'a']), { status: 0, stdout: 'action a is disabled\n' })
  t.match(await admin(['queue', 'a']), { status: 1, stdout: '', stderr: /jankins enable.*E_ACTION_DISABLED/ })
  t.match(await admin(['enable', 'a', '--json']), { stdout: '{"action":"a","changed":true}\n' })
  t.match((await admin(['actions'])).stdout, /^ACTION +ACTIVE +PRIORITY +LABELS +COMMAND\na +yes/)
})

t.test('queue prints nothing but ids', async t => {
  const { as } = await setUp(t)
  const admin = await as('admin')
  await admin(['add-action', 'a', '--', 'true'])
  t.match(await admin(['queue', 'a', '-p', 'X=1', '--priority', '7']), { status: 0, stdout: '1\n', stderr: '' })
  t.match(await admin(['queue', 'a', '--count', '3']), { stdout: '2\n3\n4\n' })
  t.match(await admin(['queue', 'a', '--json']), { stdout: '{"job":5}\n' })
  t.match(jsonLines((await admin(['query', '1', '--json'])).stdout), [
    { job: 1, action: 'a', state: 'PENDING', priority: 7, parameters: [['X', '1']], attempt: 1, user: 'admin-1' },
  ])
})

t.test('what does not exist or does not fit has a code of its own, one line, and the right status', async t => {
  const { as, daemon } = await setUp(t)
  const admin = await as('admin')
  await admin(['add-action', 'a', '--', 'true'])
  const before = await daemon.store.queryJobs({}, undefined, 100)
  const cases: [argv: string[], status: number, stderr: RegExp][] = [
    [['queue', 'none'], 1, /E_ACTION_NOT_FOUND/],
    [['queue', 'a', '-p', '1X=1'], 2, /E_BAD_REQUEST/],
    [['queue', 'a', '-p', 'novalue'], 2, /--param must be KEY=VALUE/],
    [['queue', 'a', '--priority', '9999'], 2, /--priority must be -1000 to 1000/],
    [['queue', 'a', '--count', 'abc'], 2, /--count must be a whole number/],
    [['query', '99'], 1, /E_JOB_NOT_FOUND/],
    [['query', '--action', 'none'], 1, /E_ACTION_NOT_FOUND/],
    [['query', '--user', 'none'], 1, /E_USER_NOT_FOUND/],
    [['query', '--state', 'LOST'], 2, /--state must be one of PENDING/],
    [['log', '99'], 1, /E_JOB_NOT_FOUND/],
    [['log', 'x'], 2, /JOB must be the id of a job/],
    [['stop', '99'], 1, /E_JOB_NOT_FOUND/],
    [['retry', '99'], 1, /E_JOB_NOT_FOUND/],
    [['fetch', '99'], 1, /E_JOB_NOT_FOUND/],
    [['actions', 'none'], 1, /E_ACTION_NOT_FOUND/],
    [['enable', 'none'], 1, /E_ACTION_NOT_FOUND/],
    [['add-action', 'b', '--lease', '1s', '--', 'true'], 2, /--lease must be 3s to 1d/],
    [['nonsense'], 2, /there is no command "nonsense"/],
    [['queue', 'a', '--nonsense'], 2, /nonsense/],
    [['queue'], 2, /see jankins queue --help/],
  ]
  for (const [argv, status, stderr] of cases) {
    const outcome = await admin(argv)
    t.equal(outcome.status, status, argv.join(' '))
    t.equal(outcome.stdout, '', argv.join(' '))
    t.match(outcome.stderr, stderr)
    t.match(outcome.stderr, /^jankins: [^\n]+\n$/)
  }
  t.strictSame(await daemon.store.queryJobs({}, undefined, 100), before, 'nothing changed')
})

t.test('exec is for admins and for those who may', async t => {
  const { as } = await setUp(t)
  const argv = ['exec', '--env', 'A=1', '--', 'echo', '--wait']
  t.match(await (await as('admin'))(argv), { status: 0, stdout: '1\n' })
  t.match(await (await as('user', { mayExec: true }))(argv), { status: 0, stdout: '2\n' })
  t.match(await (await as('user'))(argv), { status: 1, stderr: /E_FORBIDDEN/ })
})

t.test('status and workers say what there is', async t => {
  const { as } = await setUp(t)
  const reader = await as('reader')
  t.match(jsonLines((await reader(['status', '--json'])).stdout), [{ version: String, pending: 0, running: 0 }])
  t.match((await reader(['status'])).stdout, /^version +\S+\nup +\S+\npending +0\n/)
  t.match((await reader(['workers'])).stdout, /^WORKER +USER +STATE/)
})
