import { systemClock } from '../base/clock.js'
import { dialTcp } from '../client/tcp.js'
import { type CommandModule, type Context, type Environment, OutputClosedError } from './command.js'
import { COMMANDS } from './commands.js'
import { EXIT, sayFailure } from './failure.js'
import { streamOutput } from './output.js'
import { parseCommandLine } from './parse.js'
import { processTerminal } from './terminal.js'

/** Runs the command line of this process. @returns the exit status */
export function main(): Promise<number> {
  return runCommandLine(process.argv.slice(2), {
    env: withoutEmpty(process.env),
    clock: systemClock,
    dial: dialTcp,
    stdin: {
      get isTerminal() {
        return process.stdin.isTTY
      },
      read: async () => (await import('node:stream/consumers')).buffer(process.stdin),
    },
    stdout: streamOutput(() => process.stdout),
    stderr: streamOutput(() => process.stderr),
    terminal: processTerminal,
    ask: async (question, options) => (await import('./ask.js')).askOnTerminal(question, options),
  })
}

/** Runs one command line, whatever happens: an error becomes one line on stderr. @returns the exit status */
export async function runCommandLine(argv: readonly string[], context: Context): Promise<number> {
  try {
    const line = await parseCommandLine(argv, context.stdout.columns)
    if (line.kind === 'text') {
      await context.stdout.write(line.text)
      return EXIT.done
    }
    const command: CommandModule = await COMMANDS[line.name].load()
    return await command.run(line.args, context)
  } catch (error) {
    return await report(error, context).catch(() => EXIT.failed)
  }
}

async function report(error: unknown, { env, stderr }: Context): Promise<number> {
  if (error instanceof OutputClosedError) return EXIT.done
  const status = await sayFailure(stderr, error)
  if (env.JANKINS_DEBUG === '1') await stderr.write(`${stackOf(error)}\n`)
  return status
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? String(error.stack) : `${error.stack}\ncaused by ${stackOf(error.cause)}`
}

const withoutEmpty = (env: NodeJS.ProcessEnv): Environment =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
