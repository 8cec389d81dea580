import { constants, homedir, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { type Name, parseName } from '../../../protocol/ids.js'
import { ConfigError, loadConfig, type WorkerConfig } from '../../base/config.js'
import type { Log } from '../../base/log.js'
import { createLog } from '../../base/log-output.js'
import type { Address } from '../../base/wire.js'
import { openMachine } from '../../worker/machine/linux.js'
import { StateDirectoryBusyError } from '../../worker/machine/state-directory.js'
import { runWorker, type WorkerMode, type WorkerServer } from '../../worker/worker.js'
import { type Context, type Environment, UsageError } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { drain, undrain } from '../drain.js'
import { EXIT } from '../failure.js'
import { type AccessOptions, findAccess, findAddress, findPlace } from '../login.js'
import { notice, printJson } from '../print.js'

type WorkArgs = ArgsOf<'work'>

/** --once found no job. */
const EXIT_NO_JOB = 5
/** Of a process that a signal ended, as a shell would tell it. */
const statusOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal]

export async function run(args: WorkArgs, context: Context): Promise<number> {
  const { env, clock, dial, stdout } = context
  const target = { server: args.server[0], user: args.user }
  if (args.drain !== undefined) return await drain(context, target, args.drain, args.json)
  if (args.undrain !== undefined) return await undrain(context, target, args.undrain, args.json)
  if (args.wait && !args.once) throw new UsageError('--wait needs --once')
  if (args.once && args.poll) throw new UsageError('give either --once or --poll')
  const config = readConfig(args, env)
  const log = createLog({ ...config, clock })
  const name = nameOf(args, config.worker)
  const servers = await serversOf(args, env, config.worker)
  const stateDir = resolve(args.dir ?? config.worker.dir ?? defaultDir(env, name))
  const { pidNamespace: usePidNamespace } = config.worker
  const slots = args.jobs ?? config.worker.jobs
  const shellsAhead = args.once ? 0 : slots
  const machine = await openMachine({ stateDir, clock, log, usePidNamespace, shellsAhead }).catch((error: unknown) => {
    throw error instanceof StateDirectoryBusyError ? new UsageError(error.message) : error
  })
  if (usePidNamespace && machine.treeLayer === 'cookie')
    log.warn('this account cannot make a pid namespace here: jobs run without one, and are found by their cookie')
  const signals = listen(log)
  try {
    const result = await runWorker({
      ...{ servers, name, machine, dial, clock, log, environment: env },
      labels: args.labels ?? config.worker.labels.map(label => namedOr(label, 'a label in the configuration')),
      slots,
      mode: modeOf(args, config.worker),
      drain: signals.drain,
      stop: signals.stop,
      onEnd: end => {
        if (args.json) printJson(stdout, end).catch(() => {})
      },
    })
    const signal = signals.first()
    // Also when its job has ended well: the loop of a shell around it is to end.
    if (args.once && signal) return statusOf(signal)
    if (result.kind === 'refused') throw result.error
    return args.once && !result.ranJob ? await noJob(context) : EXIT.done
  } finally {
    signals.forget()
    await machine.release()
  }
}

async function noJob(context: Context): Promise<number> {
  await notice(context, 'jankins: there was no job')
  return EXIT_NO_JOB
}

function readConfig(args: WorkArgs, env: Environment) {
  try {
    const { worker, daemon } = loadConfig({ path: args.config, environment: env })
    return { worker, level: daemon.logLevel, format: daemon.logFormat }
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message, { cause: error })
    throw error
  }
}

function nameOf(args: WorkArgs, config: WorkerConfig): Name {
  if (args.name) return args.name
  return namedOr(config.name ?? hostname(), 'the name of the worker (give --name)')
}

function namedOr(text: string, what: string): Name {
  const name = parseName(text)
  if (name === undefined) throw new UsageError(`${what} may hold letters, digits and _-.+@, 1 to 64 of them: ${text}`)
  return name
}

function modeOf(args: WorkArgs, config: WorkerConfig): WorkerMode {
  if (args.once) return { kind: 'once', wait: args.wait }
  const everyMs = args.poll ?? config.pollMs
  return everyMs > 0 ? { kind: 'poll', everyMs } : { kind: 'loop' }
}

/** Those of the flags, then JANKINS_SERVER, then those of the file. @throws LoginError */
async function serversOf(args: WorkArgs, env: Environment, config: WorkerConfig): Promise<readonly WorkerServer[]> {
  const given = args.server.length > 0 || env.JANKINS_SERVER === undefined ? args.server : [findAddress(env, undefined)]
  if (given.length > 0)
    return await Promise.all(
      given.map(async address => ({ weight: 1, ...(await accessTo(env, address, { user: args.user })) })),
    )
  return await Promise.all(
    config.servers.map(async ({ address, user: name, passwordFile, trust, weight }) => {
      const user = args.user ?? (name === undefined ? undefined : namedOr(name, `user of ${address.host}`))
      return { weight, ...(await accessTo(env, address, { user, passwordFile, trust })) }
    }),
  )
}

async function accessTo(env: Environment, address: Address, options: AccessOptions) {
  return await findAccess(env, await findPlace(env, { server: address }), options)
}

function defaultDir(env: Environment, name: Name): string {
  const state = env.XDG_STATE_HOME ?? join(env.HOME ?? homedir(), '.local', 'state')
  return join(state, 'jankins', name)
}

/**
 * SIGTERM and SIGINT: no new job, the running ones end by themselves; once more: they are stopped. SIGHUP, as from a
 * tmux session that is killed: this process ends at once, and its jobs go on without it.
 */
function listen(log: Log): {
  readonly drain: AbortSignal
  readonly stop: AbortSignal
  first(): NodeJS.Signals | undefined
  forget(): void
} {
  const drain = new AbortController()
  const stop = new AbortController()
  let first: NodeJS.Signals | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    first ??= signal
    if (drain.signal.aborted) {
      log.info('stopping the running jobs', { signal })
      stop.abort()
    } else {
      log.info('taking no new job; once more stops the running ones', { signal })
      drain.abort()
    }
  }
  const onHangup = (): void => process.exit(statusOf('SIGHUP'))
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal).on('SIGHUP', onHangup)
  return {
    drain: drain.signal,
    stop: stop.signal,
    first: () => first,
    forget: () => void process.off('SIGTERM', onSignal).off('SIGINT', onSignal).off('SIGHUP', onHangup),
  }
}
