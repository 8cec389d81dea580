import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import { startDaemonInProcess } from '../helpers/daemon.js'
import { commandLine, jsonLines, temporaryDirectory } from './harness.js'

async function setUp(t: Test) {
  const daemon = await startDaemonInProcess(t, { clock: systemClock })
  const { user } = await daemon.login('admin')
  const { run } = commandLine(t, daemon.dial)
  const env = { JANKINS_USER: user, JANKINS_PASSWORD: `password of ${user}` }
  const directory = temporaryDirectory(t)
  const write = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  const withInput = (input: string, ...argv: string[]) => run(argv, { env, input })
  return { write, withInput, run: (...argv: string[]) => run(argv, { env }) }
}

const TWO = `actions:
  compile:
    command: [make, all]
    labels: [gcc, arm]
    timeout: 1h
  test:
    script: make test
`

t.test('apply makes the actions what the file says, and says what it did', async t => {
  const { run, write } = await setUp(t)
  const file = write('ci.yaml', TWO)
  t.match(await run('apply', '--dry-run', file), {
    status: 0,
    stdout: 'action compile would be created\naction test would be created\n',
  })
  t.equal((await run('export')).stdout, 'actions: {}\n', 'nothing was done')
  t.match(await run('apply', file), { status: 0, stdout: 'action compile is created\naction test is created\n' })
  t.match(await run('apply', file), {
    status: 0,
    stdout: 'action compile is as the file says\naction test is as the file says\n',
  })
  write(
    'ci.yaml',
    TWO.replace('1h', '2h').replace('[gcc, arm]', '[arm]').replace('make test', 'make test\n    active: false'),
  )
  t.match(jsonLines((await run('apply', '--json', file)).stdout), [
    { action: 'compile', change: 'change', keys: ['timeout', 'labels'], dryRun: false },
    { action: 'test', change: 'disable', keys: ['active'] },
  ])
  t.match(jsonLines((await run('actions', '--json')).stdout), [
    { action: 'compile', active: true, timeLimitMs: 7_200_000, labels: ['arm'] },
    { action: 'test', active: false },
  ])
  write('ci.yaml', TWO.replace('make test', 'make test\n    active: true'))
  t.match(await run('apply', file), { stdout: /action test is enabled/ })
})

t.test('an action that somebody disabled stays so, and apply says it', async t => {
  const { run, write } = await setUp(t)
  const file = write('ci.yaml', TWO)
  await run('apply', file)
  await run('disable', 'test')
  t.match(await run('apply', file), { stdout: /action test is as the file says, and disabled\n/ })
})

t.test('- is stdin, beside files and before options', async t => {
  const { run, write, withInput } = await setUp(t)
  await run('add-action', 'old', '--', 'true')
  const file = write('a.yaml', 'actions: { deploy: { script: x } }')
  t.match(await withInput(TWO, 'apply', '-', '--prune', file), {
    status: 0,
    stdout: 'action compile is created\naction test is created\naction deploy is created\naction old is disabled\n',
  })
  t.match(await withInput('garbage: 1', 'apply', '-'), { status: 2, stderr: /^jankins: stdin:1:1: / })
})

t.test('prune disables what no file names, and nothing else', async t => {
  const { run, write } = await setUp(t)
  await run('add-action', 'old', '--', 'true')
  await run('add-action', 'older', '--', 'true')
  await run('disable', 'older')
  const files = [write('a.yaml', TWO), write('b.yaml', 'actions: { deploy: { script: x } }')]
  t.match(await run('apply', '--prune', '--dry-run', ...files), { stdout: /action old would be disabled\n$/ })
  t.match(await run('apply', '--prune', ...files), { status: 0, stdout: /action old is disabled\n$/ })
  const actions = jsonLines((await run('actions', '--json')).stdout)
  t.strictSame(
    actions.filter(({ active }) => active).map(({ action }) => action),
    ['compile', 'deploy', 'test'],
  )
})

t.test('a mistake in any file changes nothing', async t => {
  const { run, write } = await setUp(t)
  const good = write('good.yaml', TWO)
  const bad: [string, RegExp][] = [
    [
      'actions: { deploy: { script: x, retries: many } }',
      /^jankins: \S+bad\.yaml:1:42: retries must be a whole number/,
    ],
    ['actions: { compile: { script: x } }', /^jankins: \S+bad\.yaml:1:12: compile was defined before/],
    ['actions: { deploy: { command: [""] } }', /^jankins: \S+bad\.yaml:1:12: command must be a program/],
  ]
  for (const [text, message] of bad) {
    const outcome = await run('apply', good, write('bad.yaml', text))
    t.match(outcome, { status: 2, stdout: '', stderr: message })
  }
  t.match(await run('apply', join(good, 'nowhere')), { status: 2, stderr: /^jankins: cannot read / })
  t.equal((await run('export')).stdout, 'actions: {}\n')
})

t.test('export writes what apply reads', async t => {
  const { run, write } = await setUp(t)
  await run('apply', write('ci.yaml', TWO))
  const exported = (await run('export')).stdout
  t.equal(
    exported,
    TWO.replace('[make, all]', '\n      - make\n      - all')
      .replace('[gcc, arm]', '\n      - arm\n      - gcc')
      .replaceAll(': \n', ':\n'),
  )
  t.match(await run('apply', '--prune', write('again.yaml', exported)), {
    stdout: /^(action \w+ is as the file says\n){2}$/,
  })
  t.equal((await run('export', 'test')).stdout, 'actions:\n  test:\n    script: make test\n')
  t.match(await run('export', 'nothing'), { status: 1, stderr: /E_ACTION_NOT_FOUND/ })
  t.match(await run('export', 'a b'), { status: 2, stderr: /is no name of an action/ })
})

t.test('only admins may apply', async t => {
  const daemon = await startDaemonInProcess(t, { clock: systemClock })
  const { user } = await daemon.login('user')
  const { run } = commandLine(t, daemon.dial)
  const file = join(temporaryDirectory(t), 'ci.yaml')
  writeFileSync(file, TWO)
  const env = { JANKINS_USER: user, JANKINS_PASSWORD: `password of ${user}` }
  t.match(await run(['apply', file], { env }), { status: 1, stderr: /E_FORBIDDEN/ })
  t.ok(readFileSync(file))
})
