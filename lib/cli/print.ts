import { Buffer } from 'node:buffer'
import type { Context, Output } from './command.js'

/** One object per line, as --json prints it. Fields that hold bytes become base64. */
export const printJson = (output: Output, value: object): Promise<void> =>
  output.write(`${JSON.stringify(Object.fromEntries(Object.entries(value).map(textField)))}\n`)

export const printLine = (output: Output, line: string): Promise<void> => output.write(`${line}\n`)

/** A word beside the output for whoever watches, never in a script's stderr. */
export async function notice(context: Context, line: string): Promise<void> {
  if (context.stderr.isTerminal) await printLine(context.stderr, line)
}

/** The same without notices and progress, for --quiet. */
export const quietly = (context: Context, quiet: boolean): Context =>
  quiet ? { ...context, stderr: { ...context.stderr, isTerminal: false } } : context

/** Whether tables may be coloured. */
export const isColoured = ({ env, stdout }: Context): boolean =>
  stdout.isTerminal && !env.NO_COLOR && env.TERM !== 'dumb'

/** Not by a replacer: a Buffer has turned itself into an object of numbers before one sees it. */
const textField = ([name, value]: [string, unknown]): [string, unknown] => [
  name,
  value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
]
