import t from 'tap'
import type { CommandSpec, ValueSpec } from '../../lib/cli/command.js'
import { COMMANDS, type CommandName } from '../../lib/cli/commands.js'
import { parseCommandLine } from '../../lib/cli/parse.js'
import { JANKINS_VERSION } from '../../protocol/version.js'

const names = Object.keys(COMMANDS) as CommandName[]

/** For each kind of value: what may be typed, and what the command gets of it. */
const SAMPLES: Readonly<
  Record<Exclude<ValueSpec['kind'], 'flag' | 'choice' | 'choices'>, readonly [typed: string, value: unknown]>
> = {
  text: ['odd=text', 'odd=text'],
  texts: ['*.log', ['*.log']],
  name: ['a-name', 'a-name'],
  names: ['a,b', ['a', 'b']],
  pairs: ['K=v=w', [['K', 'v=w']]],
  integer: ['7', 7],
  duration: ['90s', 90_000],
  size: ['64KiB', 65_536],
  time: ['2h', { agoMs: 7_200_000 }],
  job: ['12', 12],
  jobs: ['12', [12]],
  invite: ['12', 12],
  address: ['box:7', { host: 'box', port: 7 }],
  addresses: ['box:7', [{ host: 'box', port: 7 }]],
}

function sample(spec: ValueSpec): readonly [string, unknown] {
  if (spec.kind === 'choice') return [spec.values?.[0] ?? '', spec.values?.[0]]
  if (spec.kind === 'choices') return [spec.values?.join(',') ?? '', spec.values]
  return spec.kind === 'flag' ? ['true', true] : SAMPLES[spec.kind]
}

/** The shortest command line that is right. */
function shortest(name: CommandName): string[] {
  const { positionals = {} }: CommandSpec = COMMANDS[name]
  const required = Object.values(positionals).filter(spec => spec.required)
  return [...name.split(' '), ...required.map(spec => sample(spec)[0])]
}

const argsOf = async (argv: readonly string[]) => {
  const line = await parseCommandLine(argv, 100)
  return line.kind === 'command' ? line.args : line.text
}

t.test('every option of every command is read, with its value behind = or a blank, and by its letter', async t => {
  for (const name of names) {
    const options: [string, ValueSpec][] = Object.entries((COMMANDS[name] as CommandSpec).options)
    const wanted = Object.fromEntries(options.map(([option, spec]) => [option, sample(spec)[1]]))
    const behindEquals = options.map(([option, spec]) => `--${option}=${sample(spec)[0]}`)
    t.match(await argsOf([...shortest(name), ...behindEquals]), wanted, `${name} --option=value`)
    const apart = options.flatMap(([option, spec]) => written(`--${option}`, spec))
    t.match(await argsOf([...shortest(name), ...apart]), wanted, `${name} --option value`)
    const short = options.filter(([, spec]) => spec.short !== undefined)
    const letters = short.flatMap(([, spec]) => written(`-${spec.short}`, spec))
    const ofLetters = Object.fromEntries(short.map(([option]) => [option, wanted[option]]))
    t.match(await argsOf([...shortest(name), ...letters]), ofLetters, `${name} ${letters.join(' ')}`)
  }
})

t.test('the value of a letter may stand right behind it', async t => {
  const lines = [
    ['queue', 'a', '-pA=1', '-pB=-x=y z'],
    ['queue', '-p', 'A=1', 'a', '-p=B=-x=y z'],
  ]
  for (const line of lines)
    t.match(await argsOf(line), {
      name: 'a',
      param: [
        ['A', '1'],
        ['B', '-x=y z'],
      ],
    })
  t.match(await argsOf(['fetch', '7', '-oout', '--json']), { job: 7, output: 'out', json: true })
  t.match(await argsOf(['run', 'a', '-pA=line\nline']), { param: [['A', 'line\nline']] })
  await t.rejects(argsOf(['queue', 'a', '-pA']), { message: /--param must be KEY=VALUE/ })
})

const written = (option: string, spec: ValueSpec): string[] =>
  spec.kind === 'flag' ? [option] : [option, sample(spec)[0]]

t.test('every command has help that names all its options, and fits the table', async t => {
  for (const name of names) {
    const help = await argsOf([...name.split(' '), '--help'])
    t.match(help, COMMANDS[name].summary)
    for (const option of Object.keys(COMMANDS[name].options)) t.match(help, `--${option}`, `${name} --${option}`)
  }
  t.matchSnapshot(await argsOf(['--help']), 'the overview')
  t.matchSnapshot(await argsOf(['add-action', '--help']), 'add-action')
  t.equal(await argsOf(['--version']), `${JANKINS_VERSION}\n`)
})

t.test('every command is a module with a function', async t => {
  for (const name of names) t.type((await COMMANDS[name].load()).run, 'function', name)
})

t.test('what stands after -- is untouched', async t => {
  const rest = ['sh', '-c', '--help', '--', '--priority', 'x', '']
  t.match(await argsOf(['exec', '--priority', '-5', '--', ...rest]), { rest, priority: -5 })
})

t.test('an option that was not given is not there, and a repeated one is a list', async t => {
  t.strictSame(await argsOf(['queue', '5']), {
    ...{ name: '5', param: [], with: undefined, priority: undefined, count: undefined },
    ...{
      wait: false,
      follow: false,
      quiet: false,
      server: undefined,
      user: undefined,
      profile: undefined,
      json: false,
      rest: [],
    },
  })
  t.match(await argsOf(['queue', 'a', '-p', 'A=1', '--param=B=', '-p', 'A=2']), {
    param: [
      ['A', '1'],
      ['B', ''],
      ['A', '2'],
    ],
  })
  t.match(await argsOf(['work', '--server', 'a:1', '--server', '[::1]:2', '--poll', '5']), {
    server: [
      { host: 'a', port: 1 },
      { host: '::1', port: 2 },
    ],
    poll: 5_000,
  })
})

t.test('mistakes are told in one line that says where to read on', async t => {
  const cases: [argv: string[], message: RegExp][] = [
    [[], /^give a command; see jankins --help$/],
    [['que'], /^there is no command "que", did you mean queue\?; see jankins --help$/],
    [['xyzzy'], /^there is no command "xyzzy"; see jankins --help$/],
    [['queue'], /; see jankins queue --help$/],
    [['queue', 'a', 'b'], /: b; see jankins queue --help$/],
    [['queue', 'a', '--no-wait'], /no-wait/],
    [['queue', 'a', '--priority'], /priority/],
    [['queue', 'a', '--count', '1', '--count', '2'], /^--count was given 2 times/],
    [['queue', 'a', '--count', '0'], /^--count must be 1 to 1000, not 0$/],
    [['queue', 'a', '--count', '1e3'], /^--count must be a whole number, not "1e3"$/],
    [['queue', 'a b'], /^NAME must be 1 to 64 letters/],
    [['queue', '.a'], /^NAME must be .*, beginning with a letter or digit, not "\.a"/],
    [['queue', 'a', '--', 'x'], /^queue takes nothing after --/],
    [['users'], /users/],
    [['users', 'nope'], /see jankins users --help$/],
    [['users', 'add', 'x', '--role', 'king'], /^--role must be one of admin, user, worker, reader, not "king"$/],
    [['query', '-5'], /^JOBS must be the id of a job/],
    [['query', '1.5'], /^JOBS must be the id of a job/],
    [['query', '9007199254740993'], /^JOBS must be the id of a job/],
    [['add-action', 'a', '--timeout', '90', '--', 'x'], /^--timeout: "90" is not a duration/],
    [['add-action', 'a', '--log-limit', '1GB', '--', 'x'], /^--log-limit: "1GB" is not a size/],
    [['query', '--since', 'yesterday'], /^--since must be a time like 2026-05-04,/],
    [['query', '--until', '2026-02-29T00:00'], /^--until must be a time like .*, not "2026-02-29T00:00"$/],
    [['query', '--columns', 'job,age'], /^--columns must be one of job, state, .*, not "age"$/],
    [['status', '--server', 'a:b:c'], /^--server must be HOST:PORT/],
  ]
  for (const [argv, message] of cases)
    await t.rejects(argsOf(argv), { name: 'UsageError', message }, argv.join(' ') || 'nothing')
})
