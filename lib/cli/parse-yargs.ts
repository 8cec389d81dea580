import type { Argv, Options } from 'yargs'
import { JANKINS_VERSION } from '../../protocol/version.js'
import { type CommandSpec, UsageError, type ValueSpec } from './command.js'
import { COMMANDS, type CommandName } from './commands.js'
import { takesMany } from './values.js'
import { type CommandLine, commandOf, PARSER_CONFIGURATION, type Typed, type Words } from './words.js'

const GROUPS: Readonly<Record<string, string>> = {
  users: 'list, add, disable, enable, delete accounts, rotate keys',
  secret: 'set, list and remove secrets of an action',
  invites: 'list and revoke invitations',
  audit: 'check the log of who did what',
}

/** Everything that may be named before --help. */
const WORDS = new Set([...Object.keys(COMMANDS), ...Object.keys(GROUPS)])

/** Stands for a lone -, which yargs drops from the positionals: no word that the system hands over holds this. */
const DASH = '\0'

const asTyped = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(asTyped)
  return value === DASH ? '-' : value
}

/**
 * Reads any command line: makes help, and says what is wrong in words for people.
 * @throws UsageError for an unknown command or option, a missing or superfluous argument, a value that does not fit
 */
export async function readByYargs({ own, rest }: Words, columns: number): Promise<CommandLine> {
  const { default: yargs } = await import('yargs')
  let found: { name: CommandName; typed: Typed } | undefined
  let mistake: string | undefined
  const parser = program(yargs([]), columns, (name, typed) => {
    found = { name, typed: Object.fromEntries(Object.entries(typed).map(([key, value]) => [key, asTyped(value)])) }
  }).fail((message, error) => {
    mistake ??= (message || error?.message || 'the command line cannot be read').replaceAll(DASH, '-')
  })
  let text = ''
  const words = own.map(word => (word === '-' ? DASH : word))
  await parser.parseAsync(words, {}, (_error, _argv, output) => {
    text = output
  })
  if (mistake !== undefined) throw new UsageError(`${named(own, inOurWords(firstLine(mistake)))}; ${hint(own)}`)
  if (found) return commandOf(found.name, found.typed, rest)
  if (text !== '') return { kind: 'text', text: `${text}\n` }
  throw new UsageError(`give a command; ${hint([])}`)
}

type Take = (name: CommandName, typed: Typed) => void

function program(empty: Argv, columns: number, take: Take): Argv {
  const parser = empty
    .scriptName('jankins')
    .usage('jankins COMMAND [OPTIONS]')
    .parserConfiguration(PARSER_CONFIGURATION)
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
  const inside = takesMany(spec.kind) ? `${key}..` : key
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

/** What yargs says, in the voice of all other messages. */
function inOurWords(mistake: string): string {
  const [, unknown] = /^Unknown arguments?: (.*)$/s.exec(mistake) ?? []
  if (unknown !== undefined) return `there is no such option or argument here: ${unknown}`
  const [, option] = /^Not enough arguments following: (.*)$/s.exec(mistake) ?? []
  if (option !== undefined) return `${option.length === 1 ? '-' : '--'}${option} needs a value`
  return mistake.startsWith('Not enough non-option arguments') ? 'an argument is missing' : mistake
}

const firstLine = (text: string): string => text.split('\n').find(line => line.trim() !== '') ?? text
