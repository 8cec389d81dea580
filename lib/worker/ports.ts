import type { Buffer } from 'node:buffer'
import type { Stream, TreeLayer, Usage } from '../../protocol/fields.js'
import type { Name, Sha256 } from '../../protocol/ids.js'
import type { Grant } from '../../protocol/views.js'
import type { Environment } from './environment.js'
import type { EndPlan } from './log-limit.js'

/** What the worker asks of the machine that it runs on: real in lib/worker/machine/, fake in the simulation. */
export interface Machine {
  readonly bootClock: BootClock
  readonly attempts: AttemptStorage
  readonly executor: Executor
  /** Free bytes where attempts are kept; missing where that has no end. */
  freeBytes?(): number
  /** One-minute load average. */
  load(): number
  /** Hex digits that nobody can guess. */
  random(bytes: number): string
}

/** Time since the machine was started, which goes on while it sleeps: what leases are counted by. */
export interface BootClock {
  bootMs(): number
}

/** What a worker has to know of an attempt when it finds it again after its own end. */
export interface GrantRecord {
  readonly grant: Grant
  /** host:port and account: which server to talk to about it. */
  readonly server: string
  readonly user: Name
  /** Marks every process of the attempt. */
  readonly cookie: Cookie
}

export interface Cookie {
  /** Name of the environment variable. */
  readonly name: string
  readonly value: string
}

/** What jankins did to end a job, written before it is done. */
export interface Ending {
  readonly reason: 'stopped' | 'time-limit' | 'log-limit'
  readonly signal: 'SIGTERM' | 'SIGKILL'
}

/** A place in a stream, and the CRC-32 of everything before it. */
export interface StreamMark {
  readonly bytes: number
  readonly crc32: number
}
export type FreedMarks = { readonly [S in Stream]?: StreamMark }

export interface AttemptStorage {
  /** Makes the directory of an attempt with its grant in it. */
  create(record: GrantRecord): Promise<AttemptFiles>
  /** What an earlier worker process left, oldest first. Directories without a whole grant go, where they can. */
  list(): Promise<readonly AttemptFiles[]>
}

/** The directory of one attempt. */
export interface AttemptFiles {
  readonly record: GrantRecord
  /** For the environment of the job. */
  readonly workspaceDir: string
  readonly artifactsDir: string
  /** From now on the job may run: written before its shell is started. */
  markLaunched(): Promise<void>
  wasLaunched(): Promise<boolean>
  /** The job has secrets: from now on nobody may ship its log without knowing them. */
  markMasked(): Promise<void>
  isMasked(): Promise<boolean>
  /** ms on the boot clock. Replaces the whole file, so that a reader sees the old or the new end. */
  writeLeaseEnd(endsAtBootMs: number): Promise<void>
  /** Undefined when none was written, or in another life of the machine. */
  readLeaseEnd(): Promise<number | undefined>
  writeEnding(ending: Ending): Promise<void>
  readEnding(): Promise<Ending | undefined>
  writePlan(plan: EndPlan): Promise<void>
  readPlan(): Promise<EndPlan | undefined>
  /** Unpacks files that travel with the job. @throws Error when the archive is refused */
  unpackBundle(zip: Buffer): Promise<void>
  /** Adds a line to the job's stderr that tells what jankins could not do; nothing when the disk has no room. */
  note(line: string): Promise<void>
  streamBytes(stream: Stream): Promise<number>
  /** @param into at least `bytesMax` long: may be used for what is returned */
  readStream(stream: Stream, offset: number, bytesMax: number, into?: Buffer): Promise<Buffer>
  /** Bytes of a log that are worth freeing at once. */
  readonly freeStepBytes: number
  /**
   * Gives the room of all bytes before the mark back, where the file system can: a power loss of the daemon cannot take
   * them. They are not to be read again; who does gets line feeds, but for the last FORM_BYTES_MAX (mask/forms.ts), which
   * stay. What cannot be freed is kept, and nobody is told.
   */
  free(stream: Stream, mark: StreamMark): Promise<void>
  /** Up to where this process or an earlier one has freed. To be asked before anything is read. */
  readFreed(): Promise<FreedMarks>
  /** What the globs match and what was put into the artifacts directory; undefined: nothing. @throws PackError */
  packArtifacts(globs: readonly string[]): Promise<Pack | undefined>
  remove(): Promise<void>
}

/** The archive of what an attempt leaves: made while it is read, and again where it is read again. */
export interface Pack {
  /** Of the whole, once it was read to its end. */
  readonly made: { readonly bytes: number; readonly sha256: Sha256 } | undefined
  /** Fills `into` from `offset` on; fewer bytes at the end, undefined behind it. One call at a time. @throws PackError */
  read(offset: number, into: Buffer): Promise<Buffer | undefined>
  close(): void
}

/** Something that a job leaves cannot be kept. */
export class PackError extends Error {
  override readonly name = 'PackError'
}

export interface Executor {
  /** Starts the shell of an attempt. @throws Error when it could not be started: nothing runs then */
  start(files: AttemptFiles, environment: Environment): Promise<Shell>
  /** Finds the shell of an attempt that an earlier worker process started; one that is gone has ended already. */
  adopt(files: AttemptFiles): Promise<Shell>
}

/** The shell of one attempt, and through it everything that the job started. */
export interface Shell {
  /** Missing when it was never told: the worker died before the shell had written it. */
  readonly pid?: number
  readonly startedAtBootMs: number
  isAlive(): boolean
  /** Resolves when the shell is gone. */
  readonly ended: Promise<ShellEnd>
  /** To the process group of the job; nothing happens when the shell is gone. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void
  /**
   * Kills every process that is left and resolves when none is: with what made sure of it, or undefined when something
   * could not be killed. May be called at any time, and again.
   */
  endTree(): Promise<TreeLayer | undefined>
  /** What all its processes used, as far as it is known. To be asked after `endTree`. */
  usage?(): Promise<Usage>
}

/** No exitCode: the shell went without a status. `notStarted`: it could not even begin. */
export interface ShellEnd {
  readonly exitCode?: number
  readonly notStarted?: boolean
}
