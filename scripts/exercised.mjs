// What a whole test run must have used at least once: every method, notice, error code, option of an action and flag.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Returns what is in the tables and not in the records of `directory`, as `kind name`. */
export async function neverExercised(directory) {
  const { METHODS, NOTICES } = await import('../dist/protocol/methods.js')
  const { ERROR_CODES } = await import('../dist/protocol/errors.js')
  const { definitionFields } = await import('../dist/protocol/views.js')
  const { COMMANDS } = await import('../dist/lib/cli/commands.js')
  const shared = await import('../dist/lib/cli/options.js')
  const seen = new Set(readdirSync(directory).flatMap(file => readFileSync(join(directory, file), 'utf8').split('\n')))
  const wanted = [
    ...[...Object.keys(METHODS), ...Object.keys(NOTICES)].map(name => `method ${name}`),
    ...Object.keys(ERROR_CODES).map(name => `error ${name}`),
    ...Object.keys(definitionFields).map(name => `option ${name}`),
    ...Object.entries(COMMANDS).flatMap(([command, { options }]) =>
      Object.keys(options)
        .filter(option => !Object.hasOwn(shared.daemon, option))
        .map(option => `flag ${command} --${option}`),
    ),
  ]
  // One mechanism serves these for all commands: once is enough.
  const flags = new Set([...seen].filter(row => row.startsWith('flag ')).map(row => row.split(' ').at(-1)))
  const unshared = Object.keys(shared.daemon).filter(option => !flags.has(`--${option}`))
  return [...wanted.filter(row => !seen.has(row)), ...unshared.map(option => `flag --${option}`)]
}
