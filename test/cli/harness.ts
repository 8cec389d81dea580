import { Buffer } from 'node:buffer'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Clock, systemClock } from '../../lib/base/clock.js'
import type { Dial } from '../../lib/base/wire.js'
import type { Output, Terminal } from '../../lib/cli/command.js'
import { runCommandLine } from '../../lib/cli/main.js'
import { noteFlags } from '../helpers/exercised.js'

export interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
  readonly stdoutBytes: Buffer
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  /** What a person answers, in order; without it there is no terminal to ask on. */
  readonly answers?: readonly string[]
  readonly isTerminal?: boolean
  /** On stdin, which is a terminal without it. */
  readonly input?: string | Buffer
  /** What is pressed at the terminal, by the test; without it nobody sits there. */
  readonly keyboard?: Keyboard
  /** Told whenever something was written. */
  readonly onOutput?: (text: string) => void
}

/** Unlike t.testdir it may be asked for several times in one test. */
export function temporaryDirectory(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'jankins-test-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** One line of output per JSON object. */
export const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Record<string, unknown>)

/** Runs command lines in this process, each as a program of its own would: own environment, own output. */
export function commandLine(t: Test, dial: Dial, clock: Clock = systemClock) {
  const home = temporaryDirectory(t)
  const credentials = join(home, 'jankins', 'credentials.json')
  const run = async (argv: readonly string[], options: RunOptions = {}): Promise<Outcome> => {
    const answers = [...(options.answers ?? [])]
    const out = memoryOutput(options)
    const err = memoryOutput(options)
    noteFlags(argv)
    const status = await runCommandLine(argv, {
      env: { XDG_CONFIG_HOME: home, ...options.env },
      clock,
      dial,
      stdin: { isTerminal: options.input === undefined, read: async () => Buffer.from(options.input ?? '') },
      stdout: out.output,
      stderr: err.output,
      terminal: terminalOf(options),
      ask: async (question, { signal }) => {
        if (options.keyboard) return await options.keyboard.ask(question, signal)
        const answer = answers.shift()
        if (answer === undefined) throw new Error(`nobody answers "${question}"`)
        return answer
      },
    })
    return { status, stdout: out.bytes().toString(), stderr: err.bytes().toString(), stdoutBytes: out.bytes() }
  }
  return { run, credentials, home }
}

/** A person at the terminal, for commands that run in this process. */
export class Keyboard {
  readonly questions: string[] = []
  screensOpen = 0
  #onInterrupt: (() => void) | undefined
  #onKey: ((key: string) => void) | undefined
  #answer: ((text: string) => void) | undefined
  #giveUp: ((error: Error) => void) | undefined
  #onQuestion: (() => void) | undefined

  /** Ctrl-C. */
  interrupt(): void {
    if (this.#giveUp) this.#giveUp(new Error('nothing was entered'))
    else this.#onInterrupt?.()
  }

  press(key: string): void {
    this.#onKey?.(key)
  }

  /** Answers the question that is open, or the next one. */
  async answer(text: string): Promise<void> {
    if (!this.#answer)
      await new Promise<void>(resolve => {
        this.#onQuestion = resolve
      })
    this.#answer?.(text)
  }

  get isListening(): boolean {
    return this.#onInterrupt !== undefined
  }

  ask(question: string, signal: AbortSignal | undefined): Promise<string> {
    this.questions.push(question.trim())
    const asked = new Promise<string>((resolve, reject) => {
      this.#answer = resolve
      this.#giveUp = reject
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    this.#onQuestion?.()
    return asked.finally(() => {
      this.#answer = undefined
      this.#giveUp = undefined
    })
  }

  onInterrupt(handle: () => void): () => void {
    this.#onInterrupt = handle
    return () => {
      this.#onInterrupt = undefined
    }
  }

  openScreen(onKey: (key: string) => void): { close(): void } {
    this.#onKey = onKey
    this.screensOpen++
    return { close: () => this.screensOpen-- }
  }
}

const terminalOf = ({ keyboard }: RunOptions): Terminal => ({
  isInteractive: keyboard !== undefined,
  rows: 24,
  onInterrupt: handle => keyboard?.onInterrupt(handle) ?? (() => {}),
  openScreen: onKey => keyboard?.openScreen(onKey) ?? { close() {} },
})

function memoryOutput({ isTerminal = false, onOutput }: RunOptions): { output: Output; bytes(): Buffer } {
  const chunks: Buffer[] = []
  return {
    output: {
      isTerminal,
      columns: 120,
      async write(data) {
        chunks.push(Buffer.from(data))
        onOutput?.(Buffer.from(data).toString())
      },
    },
    bytes: () => Buffer.concat(chunks),
  }
}
