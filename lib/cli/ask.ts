import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { type AskOptions, UsageError } from './command.js'

const FOR_PASSWORDS = 'use JANKINS_PASSWORD_FILE, or --password-file where a command has it'

/**
 * Asks on the terminal. Without echo nothing of what is typed is shown.
 * @throws UsageError when there is no terminal, or when the person gave up by Ctrl-C or Ctrl-D; the signal's reason
 */
export async function askOnTerminal(
  question: string,
  { echo, signal, otherwise = FOR_PASSWORDS }: AskOptions,
): Promise<string> {
  const { stdin, stderr } = process
  if (!stdin.isTTY || !stderr.isTTY) throw new UsageError(`there is no terminal to ask for "${question}"; ${otherwise}`)
  // readline puts the terminal in raw mode and shows what is typed by itself: on a stream that shows nothing.
  const shown = echo ? stderr : new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: shown, terminal: true, historySize: 0 })
  // Only now: who answers at once would be shown by a terminal that still echoes.
  stderr.write(`${question}: `)
  try {
    return await new Promise<string>((resolve, reject) => {
      const onGivenUp = (): void => reject(new UsageError('nothing was entered'))
      lines.once('line', resolve)
      // Ctrl-Z would leave the terminal echoing, and after it nobody would read any more.
      lines.on('SIGTSTP', () => {})
      lines.once('SIGINT', onGivenUp)
      lines.once('close', onGivenUp)
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  } finally {
    lines.close()
    if (!echo || signal?.aborted) stderr.write('\n')
  }
}
