import t from 'tap'
import { checkParameters, completeDefinition, differingFields, mayQueue } from '../../lib/domain/action.js'
import type { Name } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'

const labels = (...names: string[]): Name[] => names as Name[]

t.test('a definition with a command alone gets every default', async t => {
  t.strictSame(completeDefinition({ command: ['make', 'all'] }), {
    command: ['make', 'all'],
    environment: [],
    leaseMs: 60_000,
    graceMs: 10_000,
    labels: [],
    priority: 0,
    artifacts: [],
    retries: 0,
    stderr: 'apart',
    logLimitBytes: 1024 ** 3,
    onLogLimit: 'cut',
  })
})

t.test('what a definition says wins over the defaults', async t => {
  const given = {
    script: 'echo',
    environment: [['A', '1']] as const,
    dir: '/srv',
    timeLimitMs: 5,
    leaseMs: 3_000,
    graceMs: 0,
    labels: labels('a'),
    priority: -1,
    artifacts: ['*.zip'],
    retries: 2,
    runningMax: 1,
    stderr: 'merge',
    logLimitBytes: 9,
    onLogLimit: 'stop',
  } as const
  t.strictSame(completeDefinition(given), given)
})

t.test('labels come out sorted and once', async t => {
  t.strictSame(completeDefinition({ script: 'x', labels: labels('b', 'a', 'c', 'b') }).labels, ['a', 'b', 'c'])
})

const BAD: [string, Parameters<typeof completeDefinition>[0], string][] = [
  ['neither command nor script', {}, 'command'],
  ['both command and script', { command: ['a'], script: 'b' }, 'command'],
  ['an empty command', { command: [] }, 'command'],
  ['a program without a name', { command: ['', 'a'] }, 'command'],
  ['an empty script', { script: '' }, 'script'],
  ['texts that are too many in all', { command: ['a', ...Array(5).fill('é'.repeat(27_000))] }, 'command'],
  [
    'an environment that is too much in all',
    { script: 'a', environment: [['A', 'é'.repeat(LIMITS.definitionBytesMax.value / 2)]] },
    'command',
  ],
]
for (const [what, definition, field] of BAD)
  t.test(`a definition with ${what} is refused`, async t => {
    t.throws(() => completeDefinition(definition), { code: 'E_BAD_REQUEST', detail: { field } })
  })

t.test('parameters are counted in bytes, names and values together', async t => {
  const max = LIMITS.parametersBytesMax.value
  checkParameters([])
  checkParameters([['A', 'x'.repeat(max - 1)]])
  t.throws(() => checkParameters([['A', 'x'.repeat(max)]]), { code: 'E_BAD_REQUEST', detail: { field: 'parameters' } })
  t.throws(() => checkParameters([['A', 'é'.repeat(max / 2)]]), { code: 'E_BAD_REQUEST' })
})

t.test('two definitions differ in the fields whose values are not the same', async t => {
  t.strictSame(differingFields({ command: ['a'], retries: 1 }, { command: ['a'], retries: 2, dir: '/x' }), [
    'dir',
    'retries',
  ])
})

t.test('an action may be queued by whom it allows, by all when it says nothing, and by admins', async t => {
  const ada = 'ada' as Name
  t.ok(mayQueue(undefined, ada, 'user'))
  t.ok(mayQueue(['user:ada'], ada, 'user'))
  t.ok(mayQueue(['role:user'], ada, 'user'))
  t.ok(mayQueue(['user:bob'], ada, 'admin'))
  t.notOk(mayQueue(['user:bob', 'role:admin'], ada, 'user'))
})
