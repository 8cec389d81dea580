import { JankinsError } from '../../../protocol/errors.js'
import type { ClaimId, InstanceId, Name } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import type { Grant } from '../../../protocol/views.js'
import type { Timer } from '../../base/clock.js'
import type { Seeker } from './worker-class.js'
import type { WorkerEntry } from './workers.js'
import type { ConnectionId } from './writer.js'

/** One claim, from the request to its answer; one that got a grant is kept until its offer is over. */
export interface Claim extends Seeker {
  /** Instance and claim id: a worker process that asks again gets the same answer, over whatever connection. */
  readonly key: string
  readonly connection: ConnectionId
  readonly worker: WorkerEntry
  /** By Clock.monotonicMs. */
  readonly askedAtMs: number
  readonly endsAtMs: number
  readonly answer: Promise<Grant | undefined>
  readonly resolve: (grant: Grant | undefined) => void
  timer?: Timer
  /** Cancelled, or its connection has closed: it gets the grant that is under way, and no other. */
  isOver: boolean
}

export const claimKey = (instance: InstanceId, claim: ClaimId): string => `${instance} ${claim}`

/** The claims that are not answered, or whose grant may be asked for again. */
export class Claims {
  readonly #byKey = new Map<string, Claim>()
  /** Those that are not answered. */
  readonly #open = new Map<ConnectionId, Set<Claim>>()
  readonly #openByUser = new Map<Name, number>()
  #turn = 0

  make(asked: Pick<Claim, 'key' | 'connection' | 'worker' | 'askedAtMs' | 'endsAtMs'>): Claim {
    let resolve: Claim['resolve'] = () => undefined
    const answer = new Promise<Grant | undefined>(settle => {
      resolve = settle
    })
    const { labels, isPrivate = false, classKey } = asked.worker
    return { labels, isPrivate, classKey, turn: this.#turn++, answer, resolve, isOver: false, ...asked }
  }

  get(key: string): Claim | undefined {
    return this.#byKey.get(key)
  }

  add(claim: Claim): void {
    this.#byKey.set(claim.key, claim)
    const open = this.#open.get(claim.connection)
    if (open?.has(claim)) return
    if (open) open.add(claim)
    else this.#open.set(claim.connection, new Set([claim]))
    const { user } = claim.worker
    this.#openByUser.set(user, (this.#openByUser.get(user) ?? 0) + 1)
  }

  /** @throws JankinsError E_TOO_MANY when this connection, or its user, has as many that are not answered as it may */
  checkRoom(connection: ConnectionId, user: Name): void {
    const ofConnection = this.#open.get(connection)?.size ?? 0
    const ofUser = this.#openByUser.get(user) ?? 0
    if (ofConnection >= LIMITS.claimsPerConnectionMax.value)
      throw new JankinsError('E_TOO_MANY', { claimsOfConnection: ofConnection })
    if (ofUser >= LIMITS.claimsPerUserMax.value) throw new JankinsError('E_TOO_MANY', { claimsOfUser: ofUser })
  }

  openOf(connection: ConnectionId): readonly Claim[] {
    return [...(this.#open.get(connection) ?? [])]
  }

  all(): readonly Claim[] {
    return [...this.#byKey.values()]
  }

  /** Without a grant the claim is forgotten: asked again, it is a new one. */
  answer(claim: Claim, grant: Grant | undefined): void {
    claim.timer?.cancel()
    const open = this.#open.get(claim.connection)
    if (open?.delete(claim)) this.#countOut(claim.worker.user)
    if (open?.size === 0) this.#open.delete(claim.connection)
    if (!grant) this.forget(claim)
    claim.resolve(grant)
  }

  forget(claim: Claim): void {
    if (this.#byKey.get(claim.key) === claim) this.#byKey.delete(claim.key)
  }

  #countOut(user: Name): void {
    const left = (this.#openByUser.get(user) ?? 0) - 1
    if (left > 0) this.#openByUser.set(user, left)
    else this.#openByUser.delete(user)
  }
}
