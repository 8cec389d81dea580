import type { ResilientClient } from '../../client/resilient.js'
import type { CommandSpec, Specs, ValueSpec } from '../command.js'
import { COMMANDS, type CommandName } from '../commands.js'

/** What a daemon has to be asked for. */
export type Live = 'action' | 'worker' | 'account' | 'job' | 'file'

/** What may stand in the place of the word that is being typed. */
export interface Candidates {
  readonly words: readonly string[]
  readonly live?: Live
}

const HELP = ['--help']
const NOTHING: Candidates = { words: [] }

/**
 * What may come next. Pure: names of a daemon are only said to be wanted.
 * @param typed the words behind `jankins`; the last one is what is being typed, and may be empty
 */
export function candidatesFor(typed: readonly string[]): Candidates {
  const word = typed.at(-1) ?? ''
  const before = typed.slice(0, -1)
  // What stands behind -- is the job's own command line.
  if (before.includes('--')) return { words: [], live: 'file' }
  const name = commandOf(before)
  if (name === undefined) return starting(firstWords(before), word)
  const { options, positionals = {} }: CommandSpec = COMMANDS[name]
  const rest = before.slice(name.split(' ').length)
  const open = optionOf(options, rest.at(-1))
  if (open) return ofValue(open, word, '')
  const [, option = '', value] = /^(--[^=]+=)(.*)$/s.exec(word) ?? []
  const spec = optionOf(options, option.slice(0, -1))
  if (spec && value !== undefined) return ofValue(spec, value, option)
  if (word.startsWith('-')) return starting([...Object.keys(options).map(key => `--${key}`), ...HELP], word)
  return ofPlace(positionals, placesTaken(options, rest), word)
}

/** The command that has been typed in full. */
function commandOf(before: readonly string[]): CommandName | undefined {
  const names = [before.slice(0, 2).join(' '), before[0]]
  return names.find((name): name is CommandName => name !== undefined && Object.hasOwn(COMMANDS, name))
}

/** The words with which commands go on behind those that were typed. */
function firstWords(before: readonly string[]): readonly string[] {
  const prefix = before.map(word => `${word} `).join('')
  const names = Object.keys(COMMANDS).filter(name => name.startsWith(prefix))
  const words = new Set(names.map(name => name.slice(prefix.length).split(' ')[0] as string))
  return [...words, ...(before.length === 0 ? [...HELP, '--version'] : HELP)]
}

/** The option of this word, if it takes a value. */
function optionOf(options: Specs, word: string | undefined): ValueSpec | undefined {
  const found = Object.entries(options).find(([key, { short }]) => word === `--${key}` || word === `-${short}`)
  return found?.[1].kind === 'flag' ? undefined : found?.[1]
}

/** How many positionals have been typed. */
function placesTaken(options: Specs, words: readonly string[]): number {
  return words.filter((word, index) => !word.startsWith('-') && !optionOf(options, words[index - 1])).length
}

function ofPlace(positionals: Specs, taken: number, word: string): Candidates {
  const specs = Object.values(positionals)
  const last = specs.at(-1)
  const spec = specs[taken] ?? (last?.kind === 'jobs' ? last : undefined)
  return spec ? ofValue(spec, word, '') : NOTHING
}

/** @param prefix stands before the value in the same word */
function ofValue(spec: ValueSpec, value: string, prefix: string): Candidates {
  if (spec.values) {
    // Of a list a,b,c the last part is being typed.
    const done = spec.kind === 'choices' ? value.slice(0, value.lastIndexOf(',') + 1) : ''
    return starting(
      spec.values.map(choice => `${prefix}${done}${choice}`),
      `${prefix}${value}`,
    )
  }
  const live = spec.kind === 'job' || spec.kind === 'jobs' ? 'job' : spec.of
  return live === undefined ? NOTHING : { words: [], live }
}

const starting = (words: readonly string[], word: string): Candidates => ({
  words: words.filter(candidate => candidate.startsWith(word)),
})

/** Jobs that people name are new ones. */
const JOBS_MAX = 50

/** The names that the daemon has now. @throws what a call throws */
export async function liveWords(client: ResilientClient, live: Live): Promise<readonly string[]> {
  switch (live) {
    case 'action':
      return (await import('../nearest.js')).actionNames(client)
    case 'worker':
      return (await import('../nearest.js')).workerNames(client)
    case 'account':
      return (await client.call('user.list', {})).users.map(({ user }) => user)
    case 'job':
      return (await client.call('job.query', { limit: JOBS_MAX })).jobs.map(({ job }) => String(job))
    case 'file':
      return []
  }
}
