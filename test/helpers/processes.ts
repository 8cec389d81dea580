import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Test } from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import type { Address, Security } from '../../lib/base/wire.js'
import type { Login } from '../../lib/client/authenticate.js'
import { type Client, connect } from '../../lib/client/connection.js'
import { dialTcp } from '../../lib/client/tcp.js'
import { parseName } from '../../protocol/ids.js'
import { PATIENCE_MS } from './clock.js'
import { noteFlags, recordingDial } from './exercised.js'

/** The built programs. JANKINS_DIST names another build than this checkout's. */
const DIST = resolve(process.env.JANKINS_DIST ?? 'dist')
const END_MS = 10_000

type Program = 'jankinsd' | 'jankins'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Written to its stdin, which is empty otherwise. */
  readonly input?: string | Buffer
  /** A command that becomes the program, a sandbox: it is given program and arguments. */
  readonly by?: readonly string[]
}

/** A program that was started; it is killed at the end of the test when it still runs. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** What it has written so far. What was seen of it elsewhere may be here a moment later: `said` waits. */
  stdout(): string
  stderr(): string
  /** Resolves with all of stderr so far when this stands there. @throws Error when it ends, or two minutes pass, without */
  said(what: RegExp): Promise<string>
}

export interface DaemonProcess extends Running {
  readonly address: Address
  readonly dataDir: string
  /** Password of `admin`. */
  readonly password: string
  /** For the environment of `cli`: server, admin and password. */
  readonly env: Readonly<Record<string, string>>
  /** Connects as admin; the connection ends with the test. */
  connect(): Promise<Client>
  /** Sends a signal, SIGTERM by default, and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ended>
}

export interface DaemonOptions extends RunOptions {
  readonly args?: readonly string[]
  /** Content of its jankins.conf. */
  readonly config?: string
  /** Made in a temporary directory by default. */
  readonly dataDir?: string
}

/** Starts jankinsd on a free port of loopback and waits until it listens. */
export async function startDaemon(t: Test, options: DaemonOptions = {}): Promise<DaemonProcess> {
  const dataDir = options.dataDir ?? join(temporaryDirectory(t), 'data')
  const running = launch(t, 'jankinsd', ['--port', '0', '--data', dataDir, ...configArgs(t, options)], options)
  const address = await listening(running)
  const password = readFileSync(join(dataDir, 'admin-password'), 'utf8').trim()
  return {
    ...running,
    address,
    dataDir,
    password,
    env: {
      JANKINS_SERVER: `${address.host}:${address.port}`,
      JANKINS_USER: 'admin',
      JANKINS_PASSWORD: password,
    },
    async connect() {
      const client = await connectAs(address, { user: parseName('admin')!, password })
      t.teardown(() => client.destroy())
      return client
    },
    stop(signal = 'SIGTERM') {
      running.child.kill(signal)
      return running.ended
    },
  }
}

/** Runs jankinsd where it is expected to end by itself. */
export function runDaemon(t: Test, args: readonly string[], options: DaemonOptions = {}): Promise<Ended> {
  return launch(t, 'jankinsd', [...args, ...configArgs(t, options)], options).ended
}

/** Runs the command line to its end. */
export function cli(t: Test, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return launch(t, 'jankins', args, options).ended
}

/** Starts the command line and leaves it running: a worker, or a command that waits. */
export function startCli(t: Test, args: readonly string[], options: RunOptions = {}): Running {
  return launch(t, 'jankins', args, options)
}

/** A connection over TCP whose methods and error codes count as exercised. */
export function connectAs(address: Address, login: Login, security?: Security): Promise<Client> {
  return connect({ dial: recordingDial(dialTcp), address, login, security, clock: systemClock })
}

/** Removed at the end of the test. */
export function temporaryDirectory(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'jankins-test-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A directory for PATH in which the built programs have their names. It is removed at the end of the test. */
export function programPath(t: Test): string {
  const path = temporaryDirectory(t)
  for (const program of ['jankins', 'jankinsd'] as const)
    writeFileSync(join(path, program), `#!/bin/sh\nexec ${quoted(commandOf(program))} "$@"\n`, { mode: 0o755 })
  return path
}

/** Words that start a built program, for a shell or another command that becomes it. */
export const commandOf = (program: Program): readonly string[] => [process.execPath, fileOf(program)]

const quoted = (words: readonly string[]): string => words.map(word => `'${word}'`).join(' ')

const fileOf = (program: Program): string => join(DIST, 'bin', `${program}.js`)

function configArgs(t: Test, { config, args = [] }: DaemonOptions): readonly string[] {
  if (config === undefined) return args
  const path = join(temporaryDirectory(t), 'jankins.conf')
  writeFileSync(path, config)
  return ['--config', path, ...args]
}

function launch(t: Test, program: Program, args: readonly string[], options: RunOptions): Running {
  const file = fileOf(program)
  if (!existsSync(file)) throw new Error(`${file} is missing: the end-to-end tests need the build, npm run build`)
  if (program === 'jankins') noteFlags(args)
  const env = { ...process.env, NO_COLOR: '1', ...withoutOwn(), ...options.env }
  const [command = '', ...rest] = [...(options.by ?? []), ...commandOf(program), ...args]
  const child = spawn(command, rest, {
    env,
    cwd: options.cwd ?? temporaryDirectory(t),
    stdio: 'pipe',
  })
  const stdout: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout: Buffer.concat(stdout), stderr }))
  t.teardown(() => end(child, ended))
  return {
    child,
    ended,
    stdout: () => Buffer.concat(stdout).toString(),
    stderr: () => stderr,
    async said(what) {
      const isOver = ended.then(() => true)
      const signal = AbortSignal.timeout(PATIENCE_MS)
      while (!what.test(stderr)) {
        const next = once(child.stderr, 'data', { signal }).then(() => false)
        if ((await Promise.race([next, isOver])) && !what.test(stderr)) throw new Error(`never said ${what}: ${stderr}`)
      }
      return stderr
    },
  }
}

/** What the shell has set for jankins and for node must not reach the programs. */
export function withoutOwn(): Record<string, undefined> {
  const own = Object.keys(process.env).filter(name =>
    /^JANKINS_|^XDG_|^STATE_DIRECTORY$|^NOTIFY_SOCKET$|^LISTEN_|^NODE_OPTIONS$/.test(name),
  )
  return Object.fromEntries(own.map(name => [name, undefined]))
}

async function end(child: ChildProcess, ended: Promise<Ended>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const timer = systemClock.after(END_MS, () => child.kill('SIGKILL'))
  await ended
  timer.cancel()
}

async function listening({ child, ended, stderr }: Running): Promise<Address> {
  let line = ''
  return await new Promise((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      line += chunk.toString()
      const [, host, port] = /^jankinsd listens on \[?([^\]\s]+?)\]?:(\d+)\n/.exec(line) ?? []
      if (host !== undefined) resolve({ host, port: Number(port) })
    })
    void ended.then(({ code }) => reject(new Error(`jankinsd ended with ${code} before it listened: ${stderr()}`)))
  })
}
