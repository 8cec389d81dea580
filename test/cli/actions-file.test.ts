import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { readActionsFile } from '../../lib/cli/actions-file/read.js'
import { actionsSchema } from '../../lib/cli/actions-file/schema.js'
import { writeAction } from '../../lib/cli/actions-file/write.js'
import { completeDefinition } from '../../lib/domain/action.js'
import type { Name } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'

const read = (text: string) => readActionsFile(text, 'ci.yaml')

t.test('every key has the form of its option, and texts stay as they are written', async t => {
  const text = `
# what the build boxes run
actions:
  compile:
    command: [make, -j, 4]
    env: { VERSION: 1.10, __proto__: x, QUOTED: "a 'b'", EMPTY: "" }
    dir: /srv
    labels: [arm, gcc]
    timeout: 1h
    lease: 90s
    grace: 500ms
    priority: -3
    retries: 2
    artifact: ["*.bin", out/**]
    stderr: merge
    log-limit: 64KiB
    on-log-limit: stop
    max-running: 2
    active: false
  nightly:
    script: |
      #!/bin/sh
      date
    artifact: &files [a]
  weekly: { script: x, artifact: *files }
`
  t.strictSame(read(text), [
    {
      action: 'compile',
      place: 'ci.yaml:4:3',
      active: false,
      definition: {
        command: ['make', '-j', '4'],
        environment: [
          ['VERSION', '1.10'],
          ['__proto__', 'x'],
          ['QUOTED', "a 'b'"],
          ['EMPTY', ''],
        ],
        dir: '/srv',
        labels: ['arm', 'gcc'],
        timeLimitMs: 3_600_000,
        leaseMs: 90_000,
        graceMs: 500,
        priority: -3,
        retries: 2,
        artifacts: ['*.bin', 'out/**'],
        stderr: 'merge',
        logLimitBytes: 65_536,
        onLogLimit: 'stop',
        runningMax: 2,
      },
    },
    { action: 'nightly', place: 'ci.yaml:20:3', definition: { script: '#!/bin/sh\ndate\n', artifacts: ['a'] } },
    { action: 'weekly', place: 'ci.yaml:25:3', definition: { script: 'x', artifacts: ['a'] } },
  ])
  t.strictSame(read('actions: {}'), [])
})

const MISTAKES: readonly (readonly [what: string, text: string, message: string])[] = [
  ['no YAML', 'actions: [', 'ci.yaml:1:11: '],
  ['an empty file', '', 'ci.yaml:1:1: the file must be a map with the key actions'],
  ['another key beside actions', 'actions: {}\nversion: 2', 'ci.yaml:2:1: the file must be a map with the key actions'],
  ['a list of actions', 'actions:\n  - compile', 'ci.yaml:2:3: actions must be a map of names'],
  ['a bad name', 'actions:\n  a b: { script: x }', 'ci.yaml:2:3: "a b" is no name of an action'],
  [
    'a name that is given twice',
    'actions:\n  a: { script: x }\n  a: { script: y }',
    'ci.yaml:3:3: Map keys must be unique',
  ],
  ['neither command nor script', 'actions:\n  a: { retries: 1 }', 'ci.yaml:2:3: a needs a command or a script'],
  ['both of them', 'actions:\n  a:\n    script: x\n    command: [x]', 'ci.yaml:4:5: give either a command or a script'],
  ['a command as a line', 'actions:\n  a:\n    command: make all', 'ci.yaml:3:14: command must be a list'],
  ['an unknown key', 'actions:\n  a:\n    script: x\n    timeuot: 1h', 'ci.yaml:4:5: there is no key "timeuot"'],
  ['a duration without a unit', 'actions:\n  a:\n    script: x\n    timeout: 90', 'ci.yaml:4:14: timeout: "90" is not'],
  ['a number out of range', 'actions:\n  a: { script: x, retries: -1 }', 'ci.yaml:2:28: retries must be 0 to'],
  ['a choice that there is not', 'actions:\n  a: { script: x, stderr: both }', 'ci.yaml:2:27: stderr must be one of'],
  ['an environment as a list', 'actions:\n  a: { script: x, env: [A] }', 'ci.yaml:2:24: env must be a map'],
  ['a variable with a bad name', 'actions:\n  a: { script: x, env: { A-B: 1 } }', 'ci.yaml:2:26: "A-B" does not fit'],
  ['a value that is missing', 'actions:\n  a:\n    script: x\n    dir:', 'ci.yaml:4:9: "dir" must be a text'],
  ['active as a word', 'actions:\n  a: { script: x, active: maybe }', 'ci.yaml:2:27: active must be true or false'],
  ['an action that is no map', 'actions:\n  a: make', 'ci.yaml:2:6: a must be a map'],
]
for (const [what, text, message] of MISTAKES)
  t.test(`${what} is refused with line and column`, async t => {
    try {
      read(text)
      t.fail('it was read')
    } catch (error) {
      t.equal((error as Error).name, 'UsageError')
      t.ok((error as Error).message.startsWith(message), (error as Error).message)
    }
  })

t.test('what export writes is what apply reads, whatever the definition', async t => {
  const text = fc
    .array(
      fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('\n', '\r', '\u2028', '\u2029', ' ')),
      {
        maxLength: 5,
      },
    )
    .map(parts => parts.join('').replace(/[\0\ud800-\udfff]/g, ''))
  const words = text.filter(word => word !== '')
  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/)
  const definition = fc.record(
    {
      environment: fc.uniqueArray(fc.tuple(name, text), { selector: ([name]) => name, maxLength: 3 }),
      dir: words,
      labels: fc.uniqueArray(
        fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,8}$/).map(label => label as Name),
        { maxLength: 3 },
      ),
      timeLimitMs: fc.integer({ min: 1, max: LIMITS.timeLimitMsMax.value }),
      leaseMs: fc.integer({ min: LIMITS.leaseMsMin.value, max: LIMITS.leaseMsMax.value }),
      graceMs: fc.integer({ min: 0, max: LIMITS.graceMsMax.value }),
      priority: fc.integer({ min: -9, max: 9 }),
      artifacts: fc.array(words, { maxLength: 2 }),
      retries: fc.integer({ min: 0, max: 3 }),
      stderr: fc.constantFrom('apart' as const, 'merge' as const),
      logLimitBytes: fc.integer({ min: 1, max: 2 ** 40 }),
      onLogLimit: fc.constantFrom('cut' as const, 'stop' as const),
      runningMax: fc.integer({ min: 1, max: 9 }),
    },
    { requiredKeys: [] },
  )
  const what = fc.oneof(
    fc.array(text, { minLength: 1, maxLength: 4 }).map(rest => ({ command: ['make', ...rest] })),
    words.map(script => ({ script })),
  )
  const property = fc.property(definition, what, fc.boolean(), (fields, what, active) => {
    const complete = completeDefinition({ ...fields, ...what })
    const written = `actions:\n${writeAction({ action: 'a' as Name, active, ...complete })}`
    const [found] = read(written)
    assert.deepStrictEqual(completeDefinition(found?.definition ?? {}), complete)
    assert.equal(found?.active ?? true, active)
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }))
})

t.test('the schema for editors is up to date; npm run docs writes it anew', async t => {
  t.equal(readFileSync('docs/actions.schema.json', 'utf8'), `${JSON.stringify(actionsSchema(), undefined, 2)}\n`)
})
