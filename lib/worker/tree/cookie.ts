import { Buffer } from 'node:buffer'
import { readdirSync, readFileSync } from 'node:fs'
import { type Clock, sleep } from '../../base/clock.js'
import { isNamespaceInit, readStat, sendSignal } from '../machine/proc.js'
import type { Cookie } from '../ports.js'

/** A process that cannot be killed (a dead disk) is given up after this. */
const GIVE_UP_MS = 30_000
const PAUSE_MS_MAX = 250
/** Processes read in one turn of the loop: a beat never waits long behind a pass. */
const SLICE = 256
/** A process between two programs shows no environment for a moment: it is looked at again this often. */
const UNCLEAR_PASSES_MAX = 5

interface Hunt {
  readonly needle: Buffer
  /** Older processes cannot belong to the job. */
  readonly sinceTicks: number
  readonly giveUpAtMs: number
  readonly resolve: (isClean: boolean) => void
  unclearPasses: number
  pauseMs: number
}

/**
 * Kills every process that carries a cookie in its environment, in passes until one finds none. One pass serves all
 * hunts that were asked for before it began: reading 300 processes costs 4 ms.
 */
export class CookieScanner {
  readonly #clock: Clock
  #waiting: Hunt[] = []
  #running: boolean = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * @param sinceTicks start of the job's shell; processes older than that are not suspected without evidence
   * @returns false when something was still there after 30 s
   */
  killAll(cookie: Cookie, sinceTicks: number): Promise<boolean> {
    return new Promise(resolve => {
      this.#waiting.push({
        needle: needleOf(cookie),
        sinceTicks,
        giveUpAtMs: this.#clock.monotonicMs() + GIVE_UP_MS,
        resolve,
        unclearPasses: 0,
        pauseMs: 1,
      })
      if (!this.#running) {
        this.#running = true
        setImmediate(() => void this.#run())
      }
    })
  }

  /** Whether any process carries the cookie now. */
  async isAnyLeft(cookie: Cookie): Promise<boolean> {
    const needle = needleOf(cookie)
    return readPids().some(pid => readEnvironment(pid)?.includes(needle))
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const hunts = this.#waiting
      this.#waiting = []
      const { found, unclear } = await pass(hunts)
      for (const hunt of hunts) this.#judge(hunt, found.has(hunt), unclear.has(hunt))
    }
    this.#running = false
  }

  #judge(hunt: Hunt, isFound: boolean, isUnclear: boolean): void {
    if (isUnclear) hunt.unclearPasses++
    const isClean = !isFound && !(isUnclear && hunt.unclearPasses < UNCLEAR_PASSES_MAX)
    if (isClean || this.#clock.monotonicMs() > hunt.giveUpAtMs) {
      hunt.resolve(isClean)
      return
    }
    // The killed ones need a moment to go; the next pass looks whether they gave birth meanwhile.
    const pauseMs = hunt.pauseMs
    hunt.pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2)
    void sleep(this.#clock, pauseMs).then(() => {
      this.#waiting.push(hunt)
      if (!this.#running) {
        this.#running = true
        void this.#run()
      }
    })
  }
}

async function pass(hunts: readonly Hunt[]): Promise<{ found: Set<Hunt>; unclear: Set<Hunt> }> {
  const found = new Set<Hunt>()
  const unclear = new Set<Hunt>()
  const pids = readPids()
  for (let start = 0; start < pids.length; start += SLICE) {
    if (start > 0) await new Promise(resolve => setImmediate(resolve))
    for (const pid of pids.slice(start, start + SLICE)) {
      const environment = readEnvironment(pid)
      if (environment === undefined) continue
      if (environment.length === 0) {
        const stat = readStat(pid)
        if (!stat || stat.state === 'Z' || stat.state === 'X') continue
        const suspicious = hunts.filter(hunt => stat.startTicks >= hunt.sinceTicks)
        // Process 1 of a namespace goes last: until then what it takes along may still run.
        const isLast = suspicious.length > 0 && stat.isExiting && isNamespaceInit(pid)
        for (const hunt of suspicious) (isLast ? found : unclear).add(hunt)
        continue
      }
      for (const hunt of hunts)
        if (environment.includes(hunt.needle)) {
          found.add(hunt)
          sendSignal(pid, 'SIGKILL')
        }
    }
  }
  return { found, unclear }
}

const needleOf = (cookie: Cookie): Buffer => Buffer.from(`${cookie.name}=${cookie.value}`)

const readPids = (): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter(pid => Number.isInteger(pid) && pid !== process.pid)

/** Undefined when the process is gone or is another user's. */
function readEnvironment(pid: number): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/environ`)
  } catch {
    return undefined
  }
}
