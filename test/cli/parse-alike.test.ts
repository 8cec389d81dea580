import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { CommandSpec, ValueSpec } from '../../lib/cli/command.js'
import { COMMANDS, type CommandName } from '../../lib/cli/commands.js'
import { readStraight } from '../../lib/cli/parse-straight.js'
import { readByYargs } from '../../lib/cli/parse-yargs.js'
import { type CommandLine, wordsOf } from '../../lib/cli/words.js'

const names = Object.keys(COMMANDS) as CommandName[]
const RUNS = 1_500

/** What both are given to read, right and wrong, by kind. */
const TYPED: Readonly<Record<ValueSpec['kind'], readonly string[]>> = {
  flag: ['true', 'false', 'no'],
  text: ['odd=text', '', '-', '/a b'],
  texts: ['*.log', '--', '-x', '-'],
  name: ['a-name', '-5', 'a b', '5'],
  names: ['a,b', ','],
  pairs: ['K=v=w', 'K=', '=v', '-K=v'],
  integer: ['7', '-7', '1e3', '07', ' 1'],
  duration: ['90s', '5', '-1s'],
  size: ['64KiB', '0x10'],
  choice: ['user', 'merge', 'PENDING', 'x'],
  choices: ['job,state', 'role', 'x', ','],
  time: ['2h', '2026-05-04', 'yesterday'],
  job: ['12', '-12', '1.5'],
  invite: ['12', '-12', '1.5'],
  jobs: ['12', '13', 'true'],
  address: ['box:7', '[::1]:7', ':'],
  addresses: ['box:7', 'box'],
}
const ODD = [
  '-',
  '',
  '--',
  '-5',
  '-f',
  '-fo',
  '-pA=1',
  '-p',
  '--json.a',
  '--no-json',
  '--x',
  '-x',
  '--help',
  '--version',
]

const specsOf = (name: CommandName): readonly [string, ValueSpec][] => {
  const { options, positionals = {} }: CommandSpec = COMMANDS[name]
  return [...Object.entries(options), ...Object.entries(positionals)]
}

/** One option as it may be typed; positionals too, which must not be mistaken for options. */
function option(name: CommandName): fc.Arbitrary<readonly string[]> {
  return fc.constantFrom(...specsOf(name)).chain(([key, { kind, short }]) =>
    fc.constantFrom(...TYPED[kind]).chain(value => {
      const forms = [[`--${key}`, value], [`--${key}=${value}`], [`--${key}`]]
      const letters = short === undefined ? [] : [[`-${short}`, value], [`-${short}=${value}`], [`-${short}${value}`]]
      return fc.constantFrom<readonly string[]>(...forms, ...letters)
    }),
  )
}

function place(name: CommandName): fc.Arbitrary<readonly string[]> {
  const { positionals = {} }: CommandSpec = COMMANDS[name]
  const values = Object.values(positionals).flatMap(({ kind }) => TYPED[kind])
  return fc.constantFrom(...values, 'a').map(word => [word])
}

const commandLine = fc
  .constantFrom(...names)
  .chain(name =>
    fc
      .array(
        fc.oneof(
          { weight: 4, arbitrary: option(name) },
          { weight: 3, arbitrary: place(name) },
          { weight: 1, arbitrary: fc.constantFrom(...ODD).map(word => [word]) },
        ),
        { maxLength: 5 },
      )
      .map(parts => [...name.split(' '), ...parts.flat()]),
  )

type Reading = CommandLine | { readonly kind: 'refused'; readonly message: string }

async function reading(read: () => CommandLine | undefined | Promise<CommandLine>): Promise<Reading | undefined> {
  try {
    return await read()
  } catch (error) {
    return { kind: 'refused', message: (error as Error).message }
  }
}

t.test('both readers take a command line alike, or one leaves it to the other', async t => {
  let straightCount = 0
  await fc.assert(
    fc.asyncProperty(commandLine, async argv => {
      const words = wordsOf(argv)
      const straight = await reading(() => readStraight(words))
      if (straight === undefined) return
      straightCount++
      assert.deepStrictEqual(straight, await reading(() => readByYargs(words, 100)))
    }),
    { numRuns: RUNS },
  )
  t.ok(straightCount > RUNS / 10, `${straightCount} of ${RUNS} were read without yargs`)
})
