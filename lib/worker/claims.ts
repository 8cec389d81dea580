import { JankinsError } from '../../protocol/errors.js'
import { type ClaimId, parseClaimId } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import type { Grant } from '../../protocol/views.js'
import { assert } from '../base/assert.js'
import { type Clock, sleep } from '../base/clock.js'
import type { Log } from '../base/log.js'
import { ConnectionLostError } from '../client/connection.js'
import type { Link } from './link.js'
import { lifted, orderByShare, type Share } from './server-choice.js'

/** A server as the worker shares its time among several. */
export interface Served {
  readonly link: Link
  /** With the running jobs' time up to now in it. */
  share(): Share
  /** Counts slot time that was used, ms. */
  spend(ms: number): void
}

export interface Offer {
  readonly served: Served
  readonly grant: Grant
}

const REFUSED_PAUSE_MS = 1_000

/** Asks servers for jobs: one after the other by their shares, then, when nobody has one, all at once and parked. */
export class Claims {
  readonly #clock: Clock
  readonly #log: Log
  readonly #random: (bytes: number) => string
  /** Claims whose answer never came: asked again they get the same grant, and no job is left hanging. */
  readonly #open = new Map<Link, ClaimId>()

  constructor(clock: Clock, log: Log, random: (bytes: number) => string) {
    this.#clock = clock
    this.#log = log
    this.#random = random
  }

  /** What the most deserving server that has a job offers; undefined when none has one now. */
  async ask(servers: readonly Served[], cancel: AbortSignal): Promise<Offer | undefined> {
    const order = orderByShare(servers.map(served => served.share()))
    const askedInVain: Served[] = []
    for (const index of order) {
      const served = servers[index]
      if (!served?.link.isUp || cancel.aborted) continue
      const grant = await this.#claim(served.link, 0, cancel)
      if (grant) {
        for (const idle of askedInVain) {
          const share = idle.share()
          idle.spend(lifted(share, served.share()).spentMs - share.spentMs)
        }
        return { served, grant }
      }
      askedInVain.push(served)
    }
    return undefined
  }

  /**
   * Parks a claim at every server that is up until one has a job, `cancel` fires or the wait is over. More than one may
   * answer at once: every offer returned has to be taken or declined.
   */
  async park(servers: readonly Served[], cancel: AbortSignal): Promise<readonly Offer[]> {
    const enough = new AbortController()
    const onCancel = (): void => enough.abort('cancelled')
    cancel.addEventListener('abort', onCancel, { once: true })
    if (cancel.aborted) onCancel()
    const offers: Offer[] = []
    await Promise.all(
      servers
        .filter(({ link }) => link.isUp)
        .map(async served => {
          const grant = await this.#claim(served.link, LIMITS.waitMsMax.value, enough.signal)
          if (grant) offers.push({ served, grant })
          enough.abort('a server has answered')
        }),
    )
    cancel.removeEventListener('abort', onCancel)
    return offers
  }

  async decline({ served, grant }: Offer): Promise<void> {
    const { job, lease } = grant
    // One try: an offer that nobody takes goes back by itself within seconds.
    await served.link
      .ready()
      .then(client => client.call('job.decline', { job, lease }))
      .catch(error => this.#log.debug('an offer was not declined', { job, cause: (error as Error).message }))
  }

  async #claim(link: Link, waitMs: number, cancel: AbortSignal): Promise<Grant | undefined> {
    const claim = this.#open.get(link) ?? this.#newClaim()
    this.#open.set(link, claim)
    try {
      const client = await link.ready()
      const { grant } = await client.call('job.claim', { claim, waitMs }, { cancel })
      this.#open.delete(link)
      return grant
    } catch (error) {
      if (error instanceof ConnectionLostError) return undefined
      this.#open.delete(link)
      if (error instanceof JankinsError && error.code === 'E_CANCELLED') return undefined
      this.#log.warn('a claim was refused', { server: link.server, cause: (error as Error).message })
      await sleep(this.#clock, REFUSED_PAUSE_MS, cancel).catch(() => {})
      return undefined
    }
  }

  #newClaim(): ClaimId {
    const claim = parseClaimId(this.#random(16))
    assert(claim, 'a claim id is 32 hex digits')
    return claim
  }
}
