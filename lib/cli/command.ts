import type { InviteId, JobId, Name } from '../../protocol/ids.js'
import type { Clock } from '../base/clock.js'
import type { Address, Dial } from '../base/wire.js'

/** Variables of the environment; those that are empty are left out. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Where a command writes: stdout, stderr, or a test's memory. */
export interface Output {
  readonly isTerminal: boolean
  /** Width of the terminal; Infinity elsewhere. */
  readonly columns: number
  /** Resolves when more may be written. @throws OutputClosedError when nobody reads any more */
  write(data: string | Uint8Array): Promise<void>
}

/** Where a command reads: stdin, or a test's memory. */
export interface Input {
  readonly isTerminal: boolean
  /** All of it, once. */
  read(): Promise<Uint8Array>
}

export interface AskOptions {
  readonly echo: boolean
  /** What to do where nobody can be asked; about a password by default. */
  readonly otherwise?: string
  /** Takes the question back. */
  readonly signal?: AbortSignal
}

/** A full screen that hides what is on the terminal until it is closed. */
export interface Screen {
  close(): void
}

/** The terminal that a person sits at. */
export interface Terminal {
  /** There is one, and questions can be asked there. */
  readonly isInteractive: boolean
  /** Its height; it may change. */
  readonly rows: number
  /** Ctrl-C calls `handle` instead of ending the program, until the function that is returned is called. */
  onInterrupt(handle: () => void): () => void
  /** @param onKey called for each key that is pressed; Ctrl-C is `\u0003` */
  openScreen(onKey: (key: string) => void): Screen
}

/** Everything outside that a command touches. */
export interface Context {
  readonly env: Environment
  readonly clock: Clock
  readonly dial: Dial
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  readonly terminal: Terminal
  /** Asks a person. @throws UsageError when there is no terminal, or no answer; the signal's reason */
  ask(question: string, options: AskOptions): Promise<string>
}

/** What an option or a positional may hold, and what the command gets of it. */
export interface ValueOf {
  readonly flag: boolean
  readonly text: string | undefined
  readonly texts: readonly string[]
  /** a,b,c */
  readonly names: readonly Name[] | undefined
  readonly name: Name | undefined
  /** KEY=VALUE, may be given several times. */
  readonly pairs: readonly (readonly [string, string])[]
  readonly integer: number | undefined
  /** ms */
  readonly duration: number | undefined
  /** Bytes. */
  readonly size: number | undefined
  readonly choice: string | undefined
  /** a,b,c of `values`, in the order given. */
  readonly choices: readonly string[] | undefined
  readonly time: Moment | undefined
  readonly job: JobId | undefined
  readonly invite: InviteId | undefined
  readonly jobs: readonly JobId[]
  readonly address: Address | undefined
  readonly addresses: readonly Address[]
}
export type Kind = keyof ValueOf

/** A point in time, by the daemon's clock: so long ago, or when it was. */
export type Moment = { readonly agoMs: number } | { readonly atMs: number }

/** One option or positional, as plain data. `min` and `max` are in the unit of the value: ms, bytes. */
export interface ValueSpec {
  readonly kind: Kind
  readonly describe: string
  /** Only for positionals: it must be given. */
  readonly required?: boolean
  /** Only for options: the one-letter form. */
  readonly short?: string
  /** What the value is called in help. */
  readonly value?: string
  /** Shown in help; the daemon or the command fills it in. */
  readonly byDefault?: string
  readonly min?: number
  readonly max?: number
  readonly values?: readonly string[]
  /** What a name or a text names, for completion. */
  readonly of?: 'action' | 'worker' | 'account' | 'file'
  /** A duration that may also be a bare number of seconds. */
  readonly bareSeconds?: boolean
}
export type Specs = Readonly<Record<string, ValueSpec>>

export interface CommandSpec {
  readonly summary: string
  /** In order. */
  readonly positionals?: Specs
  readonly options: Specs
  /** What stands after `--`: it is handed over untouched. */
  readonly rest?: { readonly value: string; readonly describe: string }
  load(): Promise<CommandModule>
}

export interface CommandModule {
  /**
   * @returns the exit status
   * @throws anything: main turns it into one line on stderr and an exit status
   */
  run(args: Args, context: Context): Promise<number>
}

export type Args = Readonly<Record<string, unknown>>

type Value<S extends ValueSpec> = S extends {
  readonly kind: 'choice'
  readonly values: infer V extends readonly string[]
}
  ? V[number] | undefined
  : ValueOf[S['kind']]
type Given<S extends ValueSpec> = S extends { readonly required: true } ? NonNullable<Value<S>> : Value<S>
type Values<S> = S extends Specs ? { readonly [K in keyof S]: Given<S[K]> } : unknown

/** What a command gets: positionals and options by their names, and `rest`. */
export type ArgsOf<C> = (C extends { readonly positionals: infer P } ? Values<P> : unknown) &
  (C extends { readonly options: infer O } ? Values<O> : unknown) & { readonly rest: readonly string[] }

/** Wrong use: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Nobody reads the output any more: the program ends without a word. */
export class OutputClosedError extends Error {
  override readonly name = 'OutputClosedError'
}

/** There is no way to prove who is asking: exit status 3. */
export class LoginError extends Error {
  override readonly name = 'LoginError'
}
