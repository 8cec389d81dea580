import { parseArgs } from 'node:util'
import { JANKINS_VERSION } from '../../../protocol/version.js'
import { systemClock } from '../../base/clock.js'
import { ConfigError, type DaemonConfig, loadConfig } from '../../base/config.js'
import { createLog, type ProgramLog } from '../../base/log-output.js'
import { type Daemon, startDaemon } from '../daemon.js'
import { isUpkeepVerb, type UpkeepVerb } from '../upkeep/verbs.js'
import { formatAddress } from './listener.js'
import { StartError } from './start-error.js'
import { stayWatched, tellReloading, tellSystemd } from './systemd.js'

/** Also what jankinsd(8) is made of. */
export const USAGE = `Usage: jankinsd [option]...
       jankinsd check [option]...         look for problems and say what mends them; exit 1 when there are any
       jankinsd backup FILE [option]...   write database and files into FILE (.tar, .tar.gz, .tar.zst), also while it runs
       jankinsd prune [--dry-run] [option]...
                                          remove what [retention] does not keep; a daemon that runs does so by
                                          itself: beside it, this says what is left to remove, and exits 1.
                                          --dry-run says it in any case and exits 0
       jankinsd restore FILE [option]...  make an empty data directory of a backup

  --config FILE    jankins.conf to read (default: $JANKINS_CONFIG, ./jankins.conf, /etc/jankins/jankins.conf)
  --host HOST      address to listen on (default: 127.0.0.1)
  --port PORT      0 takes any free one (default: 5265)
  --data DIR       database, logs and artifacts (default: $STATE_DIRECTORY or ./data)
  --buffer BYTES   largest frame received after authentication (default: 1MiB)
  --metrics ADDR   HOST:PORT where Prometheus may ask (default: nowhere)
  --threads N      connection threads: a number, auto or per-connection (default: auto)
  --version        print the version
  --help           print this
`
/** After the signal: nothing keeps the process longer. */
const STOP_MS = 4_900

/** Runs jankinsd until it is told to stop. @returns the exit status: 0, 1 the world's fault, 2 wrong use */
export async function runJankinsd(args: readonly string[]): Promise<number> {
  try {
    const { verb, words, flags: given } = parseFlags(args)
    const { version, help, config: path, 'dry-run': isDry = false, ...flags } = given
    if (isDry && verb !== 'prune') throw new StartError('--dry-run is for jankinsd prune; see jankinsd --help', 2)
    if (help) process.stdout.write(USAGE)
    else if (version) process.stdout.write(`jankinsd ${JANKINS_VERSION}\n`)
    if (help || version) return 0
    const readConfig = (): DaemonConfig => loadConfig({ path, environment: process.env, flags }).daemon
    const config = readConfig()
    if (verb) return await (await import('../upkeep/commands.js')).runUpkeep(verb, words, config, isDry)
    const log = createLog({ level: config.logLevel, format: config.logFormat, clock: systemClock })
    endOnEscape(log)
    // Heard from here on: a signal during the start stops the daemon as soon as it has started.
    const signalled = firstSignal()
    const starting = startDaemon(config, log)
    reloadOnHangup(starting, readConfig, log)
    const daemon = await starting
    process.stdout.write(`jankinsd listens on ${formatAddress(daemon.address)}\n`)
    if (daemon.metrics) process.stdout.write(`its metrics are at ${daemon.metrics}\n`)
    if (daemon.fingerprint) process.stdout.write(`its certificate is ${daemon.fingerprint}\n`)
    await tellSystemd('READY=1')
    const { env: environment, pid } = process
    const watch = stayWatched({ environment, pid, clock: systemClock, log, tell: tellSystemd, look: daemon.look })
    const signal = await signalled
    watch.stop()
    log.info('stopping', { signal })
    systemClock.after(STOP_MS, () => process.exit(0), { background: true })
    await Promise.all([tellSystemd('STOPPING=1'), daemon.stop()])
    return 0
  } catch (error) {
    return failed(error)
  }
}

function parseFlags(args: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    const options = { config: text, host: text, port: text, data: text, buffer: text, threads: text, metrics: text }
    const all = { ...options, 'dry-run': flag, version: flag, help: flag }
    const { values, positionals } = parseArgs({ args: [...args], options: all, allowPositionals: true })
    return { flags: values, ...verbOf(positionals) }
  } catch (error) {
    const said = error instanceof Error ? error.message.split('. ')[0] : String(error)
    throw new StartError(`${said}; see jankinsd --help`, 2, { cause: error })
  }
}

function verbOf([verb, ...words]: readonly string[]): { verb: UpkeepVerb | undefined; words: readonly string[] } {
  const wordsMax = verb === undefined || verb === 'check' || verb === 'prune' ? 0 : 1
  if (verb !== undefined && !isUpkeepVerb(verb)) throw new StartError(`unexpected ${verb}; see jankinsd --help`, 2)
  if (words.length > wordsMax) throw new StartError(`unexpected ${words[wordsMax]}; see jankinsd --help`, 2)
  return { verb, words }
}

function failed(error: unknown): number {
  if (!(error instanceof StartError || error instanceof ConfigError)) {
    process.stderr.write(`jankinsd: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    return 1
  }
  const line = error.message.replace(/\s*\n\s*/g, ' ')
  process.stderr.write(`jankinsd: ${line}\n`)
  if (process.env.JANKINS_DEBUG === '1') process.stderr.write(`${error.stack}\n`)
  return error instanceof StartError ? error.exitCode : 2
}

/** What escapes in the main thread ends the process: the service manager starts it anew, and the jobs go on. */
function endOnEscape(log: ProgramLog): void {
  process.on('uncaughtException', error => {
    log.error('an error escaped; the daemon ends, to be started anew', {}, error)
    process.exit(1)
  })
}

/** systemctl reload: SIGHUP. One after the other; the terminal that is closed ends nothing. */
function reloadOnHangup(starting: Promise<Daemon>, readConfig: () => DaemonConfig, log: ProgramLog): void {
  let reloads: Promise<unknown> = starting
  const reload = async (): Promise<void> => {
    const daemon = await starting
    await tellReloading(systemClock)
    try {
      daemon.reload(readConfig())
    } catch (error) {
      log.error('the configuration was not taken over, all stays as it was', { reason: String(error) })
    }
    await tellSystemd('READY=1')
  }
  process.on('SIGHUP', () => {
    reloads = reloads.then(reload).catch(error => log.warn('the reload failed', { reason: String(error) }))
  })
}

function firstSignal(): Promise<string> {
  return new Promise(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal))
  })
}
