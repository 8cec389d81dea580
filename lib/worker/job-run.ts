import type { JobId, LeaseId } from '../../protocol/ids.js'
import type { Clock, Timer } from '../base/clock.js'
import type { Log } from '../base/log.js'
import { ConnectionLostError } from '../client/connection.js'
import { downloadBundle } from './bundle.js'
import { environmentOf, type Secrets } from './environment.js'
import { finishJob } from './finish.js'
import { isOver } from './lease.js'
import { LeaseKeeper } from './lease-keeper.js'
import { isCode, type LeaseHolder, type Link } from './link.js'
import { createMaskedLog, type MaskedLog } from './mask/masked-log.js'
import { type JobEnd, type Outcome, outcomeOf } from './outcome.js'
import type { AttemptFiles, Ending, Machine, Shell, ShellEnd } from './ports.js'
import { resumeAdopted } from './resume.js'
import { shipWhile } from './ship-while.js'
import { Shipper } from './shipper.js'
import { climbStopLadder } from './stop-ladder.js'

export interface JobRunParts {
  readonly machine: Machine
  readonly clock: Clock
  readonly log: Log
  readonly link: Link
  readonly files: AttemptFiles
  /** Of the worker process: a few of them are passed on. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Told when the end of the job is on its way to the server, again when it has to be sent again. */
  onFinishing(): void
  /** Told when the server has taken the end of a job. */
  onEnd?(end: JobEnd): void
  /** Takes away the directory of an attempt, or sees to it; resolves when the next job may be taken. */
  remove(files: AttemptFiles): Promise<void>
}

/** A job that is over sooner is on record with all that it was by its end alone: a request and a commit less. */
const START_TOLD_MS = 200

/** The lease went, or this process gives the job up: the server is told nothing more about it. */
class AbandonedError extends Error {
  override readonly name = 'AbandonedError'
}

/** One attempt from its grant to the removal of its directory. */
export class JobRun implements LeaseHolder {
  readonly job: JobId
  readonly lease: LeaseId
  readonly #parts: JobRunParts
  readonly #maskedLog: MaskedLog
  readonly #shipper: Shipper
  readonly #keeper: LeaseKeeper
  #shell: Shell | undefined
  /** Known once the server has answered; only ever in memory, and in the environment of the job. */
  #secrets: Secrets = []
  /** The job's processes are gone: neither a lease nor a stop matters any more, only that the result arrives. */
  #isOver: boolean = false
  #ending: Ending | undefined
  #isLost: boolean = false
  #isClosed: boolean = false
  /** Where the daemon's bytes end is known. */
  #mayShip: boolean = false
  readonly #stopping = new AbortController()

  constructor(parts: JobRunParts) {
    this.#parts = parts
    const { grant } = parts.files.record
    this.job = grant.job
    this.lease = grant.lease
    this.#maskedLog = createMaskedLog(parts.files)
    this.#shipper = new Shipper(this.#maskedLog.files, parts.link, this, parts.log)
    const { bootClock } = parts.machine
    this.#keeper = new LeaseKeeper({ ...parts, bootClock, onOver: () => this.lose() })
  }

  renew(sentAtBootMs: number): void {
    this.#keeper.renew(sentAtBootMs)
  }

  /** The server wants it, or a person at the worker. */
  stop(): void {
    void this.#end('stopped')
  }

  lose(): void {
    if (this.#isLost || this.#isOver) return
    this.#isLost = true
    this.#stopping.abort(new AbandonedError(`job ${this.job}: the lease is lost`))
    // Without grace: another worker may have the job by now.
    this.#shell?.signal('SIGKILL')
  }

  /** Takes the grant, runs the job and tells how it ended. Resolves when no process of it is left on this machine. */
  async run(): Promise<void> {
    const { link, machine, files, log } = this.#parts
    const sentAtBootMs = machine.bootClock.bootMs()
    try {
      const { secrets } = await link.insist('job.acknowledge', { job: this.job, lease: this.lease })
      this.#keepSecret(secrets)
    } catch (error) {
      log.info('a grant was not taken', { job: this.job, cause: (error as Error).message })
      if (!(error instanceof ConnectionLostError)) await this.#parts.remove(files)
      return
    }
    link.hold(this)
    this.renew(sentAtBootMs)
    this.#mayShip = true
    await this.#guarded(() => this.#runGranted())
  }

  /** Goes on with an attempt of an earlier worker process. */
  async adopt(): Promise<void> {
    const { files, machine, log } = this.#parts
    const leaseEndBootMs = await files.readLeaseEnd()
    const { leaseMs } = files.record.grant
    const lease = leaseEndBootMs === undefined ? undefined : { leaseMs, endsAtBootMs: leaseEndBootMs }
    const ending = await files.readEnding()
    this.#ending ??= ending // it may have been stopped meanwhile
    this.#shipper.continueBehind(await files.readFreed())
    this.#shell = (await files.wasLaunched()) ? await machine.executor.adopt(files) : undefined
    const shell = this.#shell
    const hasEnded = shell !== undefined && !shell.isAlive()
    log.info('adopting a job', { job: this.job, state: hasEnded ? 'ended' : shell ? 'running' : 'not started' })
    // What ended with a status is a result, however late. Without one it was killed, and if the lease is over, by that.
    const wasEndedByLease = hasEnded && lease && isOver(lease, machine.bootClock.bootMs())
    if (!hasEnded || (wasEndedByLease && (await shell.ended).exitCode === undefined)) this.#keeper.continue(lease)
    await this.#guarded(() => this.#goOn(shell))
  }

  async #goOn(shell: Shell | undefined): Promise<void> {
    const { files, link, machine } = this.#parts
    const outcome = shell ? this.#follow(shell) : undefined
    // A lease may go before a server comes: that ends the waiting too.
    const gone = outcome?.then(() => new Promise<never>(() => {}))
    const resume = async (): Promise<void> => {
      await link.ready()
      const sentAtBootMs = machine.bootClock.bootMs()
      const lengths = await resumeAdopted(link, files)
      if (this.#isClosed) return // its lease went while there was no server: held now, it would be renewed for ever
      this.#keepSecret(lengths.secrets)
      this.#shipper.startFrom(lengths)
      if (!this.#isOver) this.renew(sentAtBootMs)
      link.hold(this)
      if (lengths.stop) this.stop()
    }
    const resumed = resume().catch(async error => {
      // The link was closed on a job that is being stopped: it is left when it has ended.
      if (this.#ending) await outcome
      throw error
    })
    await (gone === undefined ? resumed : Promise.race([resumed, gone]))
    this.#mayShip = true
    const ended = await outcome
    if (ended) await this.#deliver(ended)
    else await this.#runGranted()
  }

  async #guarded(steps: () => Promise<void>): Promise<void> {
    const { link, files, log } = this.#parts
    this.#keeper.watch()
    let isLeft = false
    try {
      await steps()
    } catch (error) {
      // The link was closed: the attempt is left to the next worker process as it is.
      isLeft = error instanceof ConnectionLostError
      if (isLeft) return
      if (error instanceof AbandonedError || isCode(error, 'E_LEASE_LOST'))
        log.warn('the lease of a job is lost; it was ended', { job: this.job })
      else {
        // What has ended is a result: the next worker process tries again.
        isLeft = this.#isOver
        const what = isLeft ? 'the result of a job was not taken; it is kept' : 'a job was given up'
        log.error(what, { job: this.job }, error)
      }
      if (!this.#isOver) await this.#shell?.endTree()
    } finally {
      this.#isClosed = true
      link.release(this)
      await this.#keeper.close()
      if (!isLeft) await this.#parts.remove(files)
    }
  }

  async #runGranted(): Promise<void> {
    const outcome = await this.#start()
    if (outcome) return await this.#deliver(outcome)
    if (this.#shell) await this.#deliver(await this.#follow(this.#shell))
  }

  /** Undefined when the job runs; how it ended when it could not be started. */
  async #start(): Promise<Outcome | undefined> {
    const { files, link, machine, log } = this.#parts
    const { grant, cookie } = files.record
    try {
      if (grant.bundle) await files.unpackBundle(await downloadBundle(link, this, this.#stopping.signal))
      this.#stopping.signal.throwIfAborted()
      const dirs = { workspace: files.workspaceDir, artifacts: files.artifactsDir }
      if (this.#secrets.length > 0) await files.markMasked()
      await files.markLaunched()
      await this.#keeper.noted()
      this.#stopping.signal.throwIfAborted()
      const environment = environmentOf(grant, cookie, dirs, this.#parts.environment, this.#secrets)
      this.#shell = await machine.executor.start(files, environment)
    } catch (error) {
      if (this.#isLost || isCode(error, 'E_LEASE_LOST') || error instanceof ConnectionLostError) throw error
      this.#isOver = true
      if (this.#ending) return { reason: this.#ending.reason }
      // On a full disk there is no place for a word about it, and the end is told all the same.
      await files.markLaunched().catch(() => {})
      await files.note(`the job could not be started: ${(error as Error).message}`).catch(() => {})
      log.warn('a job could not be started', { job: this.job, cause: (error as Error).message })
      return { reason: 'not-started' }
    }
    if (this.#isLost) throw new AbandonedError(`job ${this.job}: the lease is lost`)
    return undefined
  }

  /** Watches the running job to the end of its last process. */
  async #follow(shell: Shell): Promise<Outcome> {
    const { files, machine, clock } = this.#parts
    const { timeLimitMs } = files.record.grant
    const timers: Timer[] = [clock.after(START_TOLD_MS, () => this.#tellStart(shell))]
    // Stopped while it was being started, or by an earlier worker process that did not see the end of it.
    if (this.#ending && !this.#isLost) void this.#climbLadder(shell)
    if (timeLimitMs !== undefined) {
      const leftMs = shell.startedAtBootMs + timeLimitMs - machine.bootClock.bootMs()
      timers.push(clock.after(Math.max(0, leftMs), () => void this.#end('time-limit')))
    }
    const ended = new AbortController()
    const shipping = shipWhile(
      this.#parts,
      this.#shipper,
      { mayShip: () => this.#mayShip && this.#parts.link.isUp, onLimit: () => void this.#end('log-limit') },
      ended.signal,
    )
    let end: ShellEnd
    try {
      end = await shell.ended
    } finally {
      for (const timer of timers) timer.cancel()
      ended.abort('the job has ended')
    }
    const treeLayer = await shell.endTree()
    // It may have been ended for its lease by the guard, which was faster than this process.
    if (end.exitCode === undefined) this.#keeper.check()
    if (this.#isLost) throw new AbandonedError(`job ${this.job}: the lease is lost`)
    // From here on it is a result: it waits for its server for as long as that takes.
    this.#isOver = true
    await shipping
    const outcome = outcomeOf(end, this.#ending, treeLayer, await shell.usage?.())
    return shell.pid === undefined ? outcome : { ...outcome, pid: shell.pid }
  }

  /** For the record only: nothing waits for it. */
  #tellStart({ pid }: Shell): void {
    if (pid === undefined || this.#isLost) return
    this.#parts.link
      .ready()
      .then(on => on.call('job.started', { job: this.job, lease: this.lease, pid }))
      .catch(() => {})
  }

  async #deliver(outcome: Outcome): Promise<void> {
    const { log } = this.#parts
    this.#maskedLog.end()
    const end = await finishJob(this.#parts, this, this.#shipper, outcome)
    this.#parts.onEnd?.(end)
    const { job, state, exitCode, reason } = end
    log.info('job ended', { server: this.#parts.link.server, job, state, exitCode, reason })
  }

  #keepSecret(secrets: Secrets = []): void {
    this.#secrets = secrets
    this.#maskedLog.hide(secrets.map(([, value]) => value))
  }

  /** The first reason stays: a stop during the grace of a time limit changes nothing. */
  async #end(reason: Ending['reason']): Promise<void> {
    if (this.#ending || this.#isOver || this.#isLost) return
    this.#ending = { reason, signal: 'SIGTERM' }
    this.#stopping.abort(new Error(`job ${this.job} was stopped before it ran`))
    if (this.#shell) await this.#climbLadder(this.#shell)
  }

  #climbLadder(shell: Shell): Promise<void> {
    const { files, clock } = this.#parts
    return climbStopLadder(shell, files, clock, this.#ending?.reason ?? 'stopped', ending => {
      this.#ending = ending
    })
  }
}
