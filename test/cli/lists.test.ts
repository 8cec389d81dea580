import t from 'tap'
import { fakeWorker } from './fake-worker.js'
import { jsonLines } from './harness.js'
import { setUp } from './people.js'

t.test('a list shows the columns, the width and the brevity that were asked for', async t => {
  const { as, daemon } = await setUp(t)
  const admin = await as('admin')
  await admin(['add-action', 'a', '--labels', 'big', '--', 'true'])
  await admin(['queue', 'a', '-p', 'X=1'])
  const { client } = await fakeWorker(daemon, 'box')
  const cases: [argv: string[], columns: string, shown: RegExp, quiet: string][] = [
    [['query'], 'parameters,job', /^PARAMETERS +JOB\nX=1 +1\n$/, '1\n'],
    [['actions'], 'labels,action', /^LABELS +ACTION\nbig +a\n$/, 'a\n'],
    [['actions', 'a'], 'labels,action', /^LABELS +ACTION\nbig +a\n$/, 'a\n'],
    [['workers'], 'state,worker', /^STATE +WORKER\nalive +box\n$/, 'box\n'],
    [['users', 'list'], 'role,user', /^ROLE +USER\nadmin +admin-1\nworker +worker-2\n$/, 'admin-1\nworker-2\n'],
  ]
  for (const [argv, columns, shown, quiet] of cases) {
    await client.call('worker.beat', { leases: [], free: 10, load: 0 })
    t.match(await admin([...argv, '--columns', columns]), { status: 0, stdout: shown }, argv.join(' '))
    t.equal((await admin([...argv, '-q'])).stdout, quiet)
    const wide = (await admin([...argv, '--wide'])).stdout
    t.notMatch(wide, / ago|…/, argv.join(' '))
    t.ok(argv[0] === 'actions' || /\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/.test(wide), argv.join(' '))
  }
})

t.test('a state has its colour on a terminal only, and never with NO_COLOR', async t => {
  const { as } = await setUp(t)
  const admin = await as('admin')
  await admin(['add-action', 'a', '--', 'true'])
  await admin(['queue', 'a'])
  const isColoured = async (isTerminal: boolean, env: Record<string, string>) =>
    (await admin(['query'], { isTerminal, env })).stdout.includes('\x1b[')
  t.equal(await isColoured(true, {}), true)
  t.equal(await isColoured(true, { NO_COLOR: '' }), true, 'an empty variable counts as unset')
  t.equal(await isColoured(true, { NO_COLOR: '1' }), false)
  t.equal(await isColoured(true, { TERM: 'dumb' }), false)
  t.equal(await isColoured(false, {}), false)
})

t.test('query filters, pages and shows one job in full', async t => {
  const { as } = await setUp(t)
  const admin = await as('admin')
  await admin(['add-action', 'a', '--', 'true'])
  await admin(['add-action', 'b', '--', 'true'])
  await admin(['queue', 'a', '--count', '230'])
  await admin(['queue', 'b'])
  const ids = async (...argv: string[]) =>
    jsonLines((await admin(['query', '--json', ...argv])).stdout).map(job => job.job)
  t.strictSame((await ids()).length, 20)
  t.strictSame(
    await ids('--all'),
    Array.from({ length: 231 }, (_, index) => 231 - index),
  )
  t.strictSame((await ids('--limit', '150')).length, 150)
  t.strictSame(await ids('--action', 'b'), [231])
  t.strictSame(await ids('--state', 'RUNNING'), [])
  t.strictSame((await ids('--user', 'admin-1', '--limit', '2')).length, 2)
  t.strictSame(await ids('5', '7'), [7, 5])
  await admin(['add-action', 'c', '--labels', 'big', '--', 'true'])
  await admin(['queue', 'c', '-p', 'TARGET=release'])
  t.strictSame(await ids('--label', 'big'), [232])
  t.strictSame(await ids('--text', 'ET=rel'), [232])
  t.strictSame(await ids('--exit-code', '1'), [])
  t.strictSame(await ids('--since', '1h', '--limit', '1'), [232])
  t.strictSame(await ids('--until', '2020-01-01'), [])
  t.strictSame(await ids('--since', '2020-01-01 10:30', '--until', '2100-01-01T00:00:00Z', '--limit', '1'), [232])
  t.strictSame((await ids(...Array.from({ length: 130 }, (_, index) => String(index + 1)))).length, 130)
  t.strictSame(await ids('--worker', 'w', '--pid', '4'), [])
  t.match((await admin(['query', '5'])).stdout, /^job +5\naction +a\nstate +PENDING\n/)
  t.match((await admin(['query', '--all'])).stdout, /^ +JOB +STATE[^\n]+\n +232 +PENDING/)
  t.equal((await admin(['query', '--all'])).stdout.split('\n').length, 1 + 232 + 1, 'one line of titles')
})
