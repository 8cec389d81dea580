import parser from 'yargs-parser'
import type { CommandSpec, Specs } from './command.js'
import { COMMANDS, type CommandName } from './commands.js'
import { takesMany } from './values.js'
import { type CommandLine, commandOf, PARSER_CONFIGURATION, type Typed, type Words } from './words.js'

/**
 * Reads a command line that begins with the name of a command and has everything in order, by the parser that is
 * inside yargs. Undefined for every other one: help, and whatever yargs may find wrong.
 * @throws UsageError for a value that does not fit
 */
export function readStraight({ own, rest }: Words): CommandLine | undefined {
  const name = commandNamed(own)
  if (name === undefined) return undefined
  const spec: CommandSpec = COMMANDS[name]
  const typed = typedOf(spec, own.slice(name.split(' ').length))
  return typed && commandOf(name, typed, rest)
}

/** `queue`, or a group and its verb: `users add`. */
function commandNamed([first = '', second = '']: readonly string[]): CommandName | undefined {
  return [first, `${first} ${second}`].find((name): name is CommandName => Object.hasOwn(COMMANDS, name))
}

function typedOf({ options, positionals = {} }: CommandSpec, words: readonly string[]): Typed | undefined {
  const { argv, error } = parser.detailed([...words], {
    alias: Object.fromEntries(
      Object.entries(options).flatMap(([key, { short }]) => (short === undefined ? [] : [[key, [short]]])),
    ),
    boolean: keysOf(options, true),
    string: keysOf(options, false),
    // Not a number: at least one word has to follow.
    narg: Object.fromEntries(keysOf(options, false).map(key => [key, Number.NaN])),
    configuration: { ...PARSER_CONFIGURATION, 'strip-aliased': true },
  })
  const { _: places, ...typed } = argv
  const placed = placesOf(positionals, places.map(String))
  if (error || !placed || !Object.keys(typed).every(key => Object.hasOwn(options, key))) return undefined
  return { ...typed, ...placed }
}

const keysOf = (options: Specs, isFlag: boolean): string[] =>
  Object.keys(options).filter(key => (options[key]?.kind === 'flag') === isFlag)

/** Undefined when words are missing or left over, or look like options: yargs has rules of its own for those. */
function placesOf(positionals: Specs, words: readonly string[]): Typed | undefined {
  if (words.some(word => word === '' || /^-./s.test(word))) return undefined
  const placed: Record<string, unknown> = {}
  let next = 0
  for (const [key, { kind, required }] of Object.entries(positionals)) {
    const isMany = takesMany(kind)
    if (required && words[next] === undefined) return undefined
    placed[key] = isMany ? words.slice(next) : words[next]
    next = isMany ? words.length : next + 1
  }
  return next < words.length ? undefined : placed
}
