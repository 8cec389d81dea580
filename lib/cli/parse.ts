import yargs, { type Argv, type Options } from 'yargs'
import { JANKINS_VERSION } from '../../protocol/version.js'
import { type Args, type CommandSpec, type Specs, UsageError, type ValueSpec } from './command.js'
import { COMMANDS, type CommandName } from './commands.js'
import { readValue } from './values.js'

export type CommandLine =
  | { readonly kind: 'command'; readonly name: CommandName; readonly args: Args }
  /** Help or the version: the text belongs on stdout. */
  | { readonly kind: 'text'; readonly text: string }

type Typed = Readonly<Record<string, unknown>>

const GROUPS: Readonly<Record<string, string>> = {
  users: 'list, add, disable, enable, delete accounts, rotate keys',
  invites: 'list and revoke invitations',
  audit: 'check the log of who did what',
}

/** Everything that may be named before --help. */
const WORDS = new Set([...Object.keys(COMMANDS), ...Object.keys(GROUPS)])

/**
 * Reads a command line, without the program's own name.
 * @throws UsageError for an unknown command or option, a missing or superfluous argument, a value that does not fit
 */
export async function parseCommandLine(argv: readonly string[], columns: number): Promise<CommandLine> {
  // What stands after -- is the job's: yargs never sees it.
  const dashes = argv.indexOf('--')
  const own = (dashes < 0 ? argv : argv.slice(0, dashes)).map(spread)
  const rest = dashes < 0 ? undefined : argv.slice(dashes + 1)
  let found: { name: CommandName; typed: Typed } | undefined
  let mistake: string | undefined
  const parser = program(columns, (name, typed) => {
    found = { name, typed }
  }).fail((message, error) => {
    mistake ??= message || error?.message || 'the command line cannot be read'
  })
  let text = ''
  await parser.parseAsync([...own], {}, (_error, _argv, output) => {
    text = output
  })
  if (mistake !== undefined) throw new UsageError(`${named(own, firstLine(mistake))}; ${hint(own)}`)
  if (found) return { kind: 'command', name: found.name, args: argsOf(found.name, found.typed, rest) }
  if (text !== '') return { kind: 'text', text: `${text}\n` }
  throw new UsageError(`give a command; ${hint([])}`)
}

type Take = (name: CommandName, typed: Typed) => void

function program(columns: number, take: Take): Argv {
  const parser = yargs([])
    .scriptName('jankins')
    .usage('jankins COMMAND [OPTIONS]')
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .detectLocale(false)
    .exitProcess(false)
    .wrap(Math.min(columns, 120))
    .version(JANKINS_VERSION)
    .help()
    .strict()
    .recommendCommands()
    .demandCommand(1, 'give a command')
  const grouped = new Set<string>()
  for (const name of Object.keys(COMMANDS) as CommandName[]) {
    const [group, verb] = name.split(' ') as [string, string?]
    if (verb === undefined) addCommand(parser, name, name, take)
    else if (!grouped.has(group)) {
      grouped.add(group)
      addGroup(parser, group, take)
    }
  }
  return parser
}

function addGroup(parser: Argv, group: string, take: Take): void {
  const build = (inner: Argv): Argv => {
    for (const name of Object.keys(COMMANDS) as CommandName[])
      if (name.startsWith(`${group} `)) addCommand(inner, name, name.slice(group.length + 1), take)
    return inner.demandCommand(1, `say what to do with ${group}`)
  }
  parser.command(group, GROUPS[group] ?? group, build, () => {})
}

function addCommand(parser: Argv, name: CommandName, word: string, take: Take): void {
  const { summary, positionals = {}, options, rest }: CommandSpec = COMMANDS[name]
  const places = Object.entries(positionals).map(([key, spec]) => place(key, spec))
  const build = (inner: Argv): Argv => {
    if (rest) inner.usage(`jankins ${[name, ...places].join(' ')} [OPTIONS] -- ${rest.value}\n\n${summary}`)
    for (const [key, spec] of Object.entries(positionals))
      inner.positional(key, { type: 'string', describe: spec.describe })
    return inner.options(Object.fromEntries(Object.entries(options).map(([key, spec]) => [key, yargsOption(spec)])))
  }
  parser.command([word, ...places].join(' '), summary, build, typed => take(name, typed))
}

function place(key: string, spec: ValueSpec): string {
  const inside = spec.kind === 'jobs' ? `${key}..` : key
  return spec.required ? `<${inside}>` : `[${inside}]`
}

function yargsOption(spec: ValueSpec): Options {
  const form = spec.values ? `${spec.values.join('|')}  ` : spec.value ? `${spec.value}  ` : ''
  return {
    describe: `${form}${spec.describe}`,
    // Numbers, times and choices are checked by readValue, with a better sentence and the same exit status.
    type: spec.kind === 'flag' ? 'boolean' : 'string',
    ...(spec.kind !== 'flag' && { requiresArg: true }),
    ...(spec.short !== undefined && { alias: spec.short }),
    ...(spec.byDefault !== undefined && { defaultDescription: spec.byDefault }),
  }
}

function argsOf(name: CommandName, typed: Typed, rest: readonly string[] | undefined): Args {
  const spec: CommandSpec = COMMANDS[name]
  if (rest !== undefined && !spec.rest) throw new UsageError(`${name} takes nothing after --; ${hint([name])}`)
  return {
    ...valuesOf(spec.positionals ?? {}, typed, key => key.toUpperCase()),
    ...valuesOf(spec.options, typed, key => `--${key}`),
    rest: rest ?? [],
  }
}

function valuesOf(specs: Specs, typed: Typed, label: (key: string) => string): Args {
  return Object.fromEntries(
    Object.entries(specs).map(([key, spec]) => {
      const value = typed[key]
      const all = value === undefined ? [] : Array.isArray(value) ? value : [value]
      return [key, spec.kind === 'flag' ? all.includes(true) : readValue(spec, label(key), all.map(String))]
    }),
  )
}

/** The long names of the one-letter options that take a value: a letter means the same in every command. */
const LETTERS = new Map(
  Object.values(COMMANDS).flatMap(({ options }: CommandSpec) =>
    Object.entries(options).flatMap(([key, { short, kind }]) =>
      short === undefined || kind === 'flag' ? [] : [[short, key] as const],
    ),
  ),
)

/** -pKEY=VALUE, as -p KEY=VALUE: yargs takes the letters behind the first one for options of their own. */
function spread(word: string): string {
  const [, letter, value] = /^-([A-Za-z])([^=].*)$/s.exec(word) ?? []
  const key = letter === undefined ? undefined : LETTERS.get(letter)
  return key === undefined ? word : `--${key}=${value}`
}

/** A command that does not exist is what is wrong, whatever else is said of the line. */
function named(argv: readonly string[], mistake: string): string {
  const word = argv.find(word => !word.startsWith('-'))
  if (word === undefined || WORDS.has(word)) return mistake
  const near = mistake.startsWith('Did you mean') ? `, d${mistake.slice(1)}` : ''
  return `there is no command ${JSON.stringify(word)}${near}`
}

/** Where to read on: the help of the command that was named, else of the program. */
function hint(argv: readonly string[]): string {
  const words = argv.filter(word => !word.startsWith('-'))
  const name = [words.slice(0, 2).join(' '), words[0]].find(word => word !== undefined && WORDS.has(word))
  return `see jankins ${name === undefined ? '' : `${name} `}--help`
}

const firstLine = (text: string): string => text.split('\n').find(line => line.trim() !== '') ?? text
