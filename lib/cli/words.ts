import { type Args, type CommandSpec, type Specs, UsageError } from './command.js'
import { COMMANDS, type CommandName } from './commands.js'
import { readValue } from './values.js'

export type CommandLine =
  | { readonly kind: 'command'; readonly name: CommandName; readonly args: Args }
  /** Help or the version: the text belongs on stdout. */
  | { readonly kind: 'text'; readonly text: string }

/** The words of a command line, without the program's own name. */
export interface Words {
  readonly own: readonly string[]
  /** What stands after --: it is the job's, and no parser ever sees it. */
  readonly rest: readonly string[] | undefined
}

/** What was typed for positionals and options, by their names: text, booleans, or lists of them. */
export type Typed = Readonly<Record<string, unknown>>

/**
 * Of each kind of parser: camel-case copies of names, dots that nest and words that stop being text would all be
 * surprises.
 */
export const PARSER_CONFIGURATION = {
  'boolean-negation': false,
  'camel-case-expansion': false,
  'dot-notation': false,
  'greedy-arrays': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
} as const

export function wordsOf(argv: readonly string[]): Words {
  const dashes = argv.indexOf('--')
  const own = (dashes < 0 ? argv : argv.slice(0, dashes)).map(spread)
  return { own, rest: dashes < 0 ? undefined : argv.slice(dashes + 1) }
}

/** Turns what was typed for a command into its values. @throws UsageError for one that does not fit */
export function commandOf(name: CommandName, typed: Typed, rest: readonly string[] | undefined): CommandLine {
  const spec: CommandSpec = COMMANDS[name]
  if (rest !== undefined && !spec.rest)
    throw new UsageError(`${name} takes nothing after --; see jankins ${name} --help`)
  const args = {
    ...valuesOf(spec.positionals ?? {}, typed, key => key.toUpperCase()),
    ...valuesOf(spec.options, typed, key => `--${key}`),
    rest: rest ?? [],
  }
  return { kind: 'command', name, args }
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

/** -pKEY=VALUE, as -p KEY=VALUE: a parser takes the letters behind the first one for options of their own. */
function spread(word: string): string {
  const [, letter, value] = /^-([A-Za-z])([^=].*)$/s.exec(word) ?? []
  const key = letter === undefined ? undefined : LETTERS.get(letter)
  return key === undefined ? word : `--${key}=${value}`
}
