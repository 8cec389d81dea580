import { createHmac } from 'node:crypto'
import { JankinsError } from '../../protocol/errors.js'
import { LIMITS } from '../../protocol/limits.js'
import { hostOf, networkOf } from './network.js'

/**
 * Holds back who guesses passwords, in memory that all connection threads share. Failures are counted for a user from an
 * address, and for an address: nobody can shut a user out of another address. It counts by the name that the peer sent,
 * so it tells nothing of which users exist.
 */
export interface Logins {
  /**
   * Call before a proof is looked at, and say in the same turn how it ended: so no more attempts than threads slip
   * through between two failures, and each of them counts.
   * @param address `HOST:PORT` of the peer
   * @throws JankinsError E_THROTTLED with `waitMs`; this attempt does not count
   */
  begin(user: string, address: string, nowMs: number): Attempt
}

export interface Attempt {
  succeeded(): void
  failed(): void
}

interface Rule {
  readonly freeMax: number
  readonly delayMsMax: number
  readonly forgetMs: number
}

const USER: Rule = {
  freeMax: LIMITS.loginsFreeMax.value,
  delayMsMax: LIMITS.loginDelayMsMax.value,
  forgetMs: LIMITS.loginForgetMs.value,
}
const ADDRESS: Rule = {
  freeMax: LIMITS.addressLoginsFreeMax.value,
  delayMsMax: LIMITS.addressLoginDelayMsMax.value,
  forgetMs: LIMITS.addressLoginForgetMs.value,
}

/**
 * A counter for each value of a keyed hash, so that names and addresses without end take no memory. Two that share one
 * by chance share a delay; without the key nobody can choose whose.
 */
const COUNTERS = 1 << 16
const FAILURES_BITS = 16n
const FAILURES_MAX = 0xffff

/** Failures in the low bits of a counter; above them the time of the last one, or of the first success. 0: neither. */
interface Count {
  readonly failures: number
  /** Clock.monotonicMs, whole. */
  readonly atMs: number
}

export const createLoginCounters = (): SharedArrayBuffer =>
  new SharedArrayBuffer(COUNTERS * BigInt64Array.BYTES_PER_ELEMENT)

/** @param secret at least 32 random bytes, the same in all threads */
export function sharedLogins(counters: SharedArrayBuffer, secret: Uint8Array): Logins {
  const words = new BigInt64Array(counters)
  const place = (key: string): number => createHmac('sha256', secret).update(key).digest().readUInt32LE() % COUNTERS
  return {
    begin(user, address, nowMs) {
      const network = networkOf(hostOf(address))
      const ofUser = place(`login of ${user} from ${network}`)
      const ofAddress = place(`logins from ${network}`)
      const before = read(words, ofUser)
      // Who got in from there, and has not failed since, is not held back for what its neighbours do.
      const addressWaitMs = before.wasRight ? 0 : leftMs(read(words, ofAddress), ADDRESS, nowMs)
      const waitMs = Math.max(leftMs(before, USER, nowMs), addressWaitMs)
      if (waitMs > 0) throw new JankinsError('E_THROTTLED', { waitMs })
      return {
        succeeded() {
          if (!before.wasRight) change(words, ofUser, () => ({ failures: 0, atMs: Math.floor(nowMs) }))
        },
        failed() {
          change(words, ofUser, count => oneMore(count, USER, nowMs))
          change(words, ofAddress, count => oneMore(count, ADDRESS, nowMs))
        },
      }
    },
  }
}

/** How long the next attempt has to wait, ms. */
function leftMs({ failures, atMs }: Count, rule: Rule, nowMs: number): number {
  const delay = delayMs(failures, rule)
  return delay === 0 ? 0 : Math.max(0, Math.ceil(atMs + delay - nowMs))
}

function oneMore({ failures, atMs }: Count, rule: Rule, nowMs: number): Count {
  const forgotten = Math.max(0, Math.floor((nowMs - atMs) / rule.forgetMs))
  return { failures: Math.max(0, failures - forgotten) + 1, atMs: Math.max(atMs, Math.floor(nowMs)) }
}

function delayMs(failures: number, { freeMax, delayMsMax }: Rule): number {
  if (failures < freeMax) return 0
  return Math.min(LIMITS.loginDelayMsMin.value * 2 ** (failures - freeMax), delayMsMax)
}

function read(words: BigInt64Array, at: number): Count & { readonly wasRight: boolean } {
  const count = unpacked(Atomics.load(words, at))
  return { ...count, wasRight: count.failures === 0 && count.atMs > 0 }
}

function change(words: BigInt64Array, at: number, step: (before: Count) => Count): void {
  for (;;) {
    const before = Atomics.load(words, at)
    if (Atomics.compareExchange(words, at, before, packed(step(unpacked(before)))) === before) return
  }
}

const unpacked = (word: bigint): Count => ({
  failures: Number(word & BigInt(FAILURES_MAX)),
  atMs: Number(word >> FAILURES_BITS),
})

const packed = ({ failures, atMs }: Count): bigint =>
  (BigInt(atMs) << FAILURES_BITS) | BigInt(Math.min(failures, FAILURES_MAX))
