import { readStraight } from './parse-straight.js'
import { type CommandLine, wordsOf } from './words.js'

/**
 * Reads a command line, without the program's own name. Two readers follow from the one table and agree: a right
 * command line is read at once; yargs, ten times as large, is loaded for help and to say what is wrong.
 * @throws UsageError for an unknown command or option, a missing or superfluous argument, a value that does not fit
 */
export async function parseCommandLine(argv: readonly string[], columns: number): Promise<CommandLine> {
  const words = wordsOf(argv)
  const line = readStraight(words)
  if (line) return line
  const { readByYargs } = await import('./parse-yargs.js')
  return await readByYargs(words, columns)
}
