import { LIMITS } from '../../protocol/limits.js'
import { SlotTable, type Words } from './slot-table.js'
import type { DurableLengths, LeaseSlots, SlotRef, WorkerSlots } from './slots.js'

/** Words of a lease's slot behind its state. */
const BEAT = 1
const STOP = 2
const LOG_NOTED = 3
/** The low 32 bits of the length: a follower asks only whether it is the one that it saw. */
const LOG_BYTES = 4
const FOLLOWERS = 5
const LOCK = 6
const ARTIFACTS = 7
/** Two words each, touched as one. */
const DURABLE_STDOUT = 8
const DURABLE_STDERR = 10
const LEASE_WORDS = 12

/** States of a lease's slot beside free and live. */
const LIVE = 1
const EXPIRING = 2
const EXPIRED = 3

/** EXPIRING lasts for two instructions of the reaper, or for as long as its thread is off the processor. */
const LOOKS_MAX = 1_000

/** @param atomics what touches the memory: a test puts itself between the steps */
export function createLeaseSlots(
  buffer = new SharedArrayBuffer(SlotTable.bytes(LIMITS.leasesMax.value, LEASE_WORDS)),
  atomics: Words = Atomics,
): LeaseSlots & { readonly buffer: SharedArrayBuffer } {
  const table = new SlotTable(buffer, LEASE_WORDS, atomics)
  return {
    buffer,
    open: nowMs =>
      table.open(LIVE, at => {
        atomics.store(table.words, at + BEAT, wrapped(nowMs))
        for (let word = STOP; word < LEASE_WORDS; word++) atomics.store(table.words, at + word, 0)
      }),
    close: ref => table.close(ref),
    beat: (ref, nowMs) => beat(table, ref, nowMs),
    isLive: ref => settledState(table, ref) === LIVE,
    beatAtMs: (ref, nowMs) => nowMs - ageMs(table, ref, nowMs),
    expire: (ref, nowMs, olderThanMs) => expire(table, ref, nowMs, olderThanMs),
    requestStop(ref) {
      if (table.state(ref) !== undefined) atomics.store(table.words, table.at(ref) + STOP, 1)
    },
    noteArtifacts(ref) {
      if (table.state(ref) !== undefined) atomics.store(table.words, table.at(ref) + ARTIFACTS, 1)
    },
    hasArtifacts: ref => atomics.load(table.words, table.at(ref) + ARTIFACTS) !== 0,
    ...logWords(table),
    ...durableWords(table),
    ...partLock(table),
  }
}

/**
 * The time first, the state after: a reaper that swaps the state later reads this time again. The stop word is read
 * before the state, so that it is this lease's own when the state is.
 */
function beat(table: SlotTable, ref: SlotRef, nowMs: number): 'renewed' | 'stop' | 'lost' {
  if (table.state(ref) === undefined) return 'lost'
  storeLater(table, table.at(ref) + BEAT, wrapped(nowMs))
  const stop = table.atomics.load(table.words, table.at(ref) + STOP) !== 0
  if (settledState(table, ref) !== LIVE) return 'lost'
  return stop ? 'stop' : 'renewed'
}

function expire(table: SlotTable, ref: SlotRef, nowMs: number, olderThanMs: number): boolean {
  if (table.state(ref) !== LIVE) return true
  if (ageMs(table, ref, nowMs) <= olderThanMs) return false
  table.swap(ref, LIVE, EXPIRING)
  const isOver = ageMs(table, ref, nowMs) > olderThanMs
  table.swap(ref, EXPIRING, isOver ? EXPIRED : LIVE)
  return isOver
}

/** Looks again while the reaper is between its two steps: what it decides is the answer. */
function settledState(table: SlotTable, ref: SlotRef): number | undefined {
  let state = table.state(ref)
  for (let looks = 1; state === EXPIRING && looks < LOOKS_MAX; looks++) state = table.state(ref)
  return state
}

/** Two threads may beat for one lease: the later time stays, and a beat of the slot's last owner changes nothing. */
function storeLater(table: SlotTable, at: number, time: number): void {
  let seen = table.atomics.load(table.words, at)
  while (((time - seen) | 0) > 0) {
    const found = table.atomics.compareExchange(table.words, at, seen, time)
    if (found === seen) return
    seen = found
  }
}

const ageMs = (table: SlotTable, ref: SlotRef, nowMs: number): number =>
  (wrapped(nowMs) - table.atomics.load(table.words, table.at(ref) + BEAT)) | 0

/** Times are kept modulo 2^32 ms: differences are right up to 24 days, leases last one at most. */
const wrapped = (timeMs: number): number => Math.floor(timeMs) | 0

type LogWords = Pick<LeaseSlots, 'noteLog' | 'follow' | 'logIs'>

/** The writer of the log stores, then looks for followers; a follower counts itself, then looks at the length. */
function logWords(table: SlotTable): LogWords {
  const { words, atomics } = table
  return {
    noteLog(ref, logBytes) {
      if (table.state(ref) === undefined) return false
      atomics.store(words, table.at(ref) + LOG_BYTES, wrapped(logBytes))
      atomics.store(words, table.at(ref) + LOG_NOTED, 1)
      return atomics.load(words, table.at(ref) + FOLLOWERS) > 0
    },
    follow(ref, delta) {
      if (table.state(ref) !== undefined) atomics.add(words, table.at(ref) + FOLLOWERS, delta)
    },
    logIs(ref, seenBytes) {
      if (atomics.load(words, table.at(ref) + LOG_NOTED) === 0) return true
      return atomics.load(words, table.at(ref) + LOG_BYTES) === wrapped(seenBytes)
    },
  }
}

type DurableWords = Pick<LeaseSlots, 'noteDurable' | 'durable'>

function durableWords(table: SlotTable): DurableWords {
  const lengths = new BigInt64Array(table.words.buffer)
  const { atomics } = table
  const load = (ref: SlotRef, word: number): number => Number(atomics.load(lengths, (table.at(ref) + word) / 2))
  const store = (ref: SlotRef, word: number, bytes: number): void =>
    void atomics.store(lengths, (table.at(ref) + word) / 2, BigInt(bytes))
  return {
    noteDurable(ref, { stdout, stderr }) {
      if (table.state(ref) === undefined) return
      store(ref, DURABLE_STDOUT, stdout)
      store(ref, DURABLE_STDERR, stderr)
    },
    durable(ref) {
      const found: DurableLengths = { stdout: load(ref, DURABLE_STDOUT), stderr: load(ref, DURABLE_STDERR) }
      return table.state(ref) === undefined ? NOTHING : found
    },
  }
}

const NOTHING: DurableLengths = { stdout: 0, stderr: 0 }

type PartLock = Pick<LeaseSlots, 'lockParts' | 'unlockParts' | 'breakLocks'>

/** The lock word is 0 or the connection that holds it: the same connection may lock again. */
function partLock(table: SlotTable): PartLock {
  const { words, atomics } = table
  const unlock = (at: number, connection: number): void => {
    atomics.compareExchange(words, at + LOCK, connection | 0, 0)
  }
  return {
    lockParts(ref, connection) {
      if (table.state(ref) === undefined) return false
      const found = atomics.compareExchange(words, table.at(ref) + LOCK, 0, connection | 0)
      if (found !== 0) return found === (connection | 0)
      if (table.state(ref) !== undefined) return true
      unlock(table.at(ref), connection)
      return false
    },
    unlockParts(ref, connection) {
      if (table.state(ref) !== undefined) unlock(table.at(ref), connection)
    },
    breakLocks(isDead) {
      for (let at = 0; at < words.length; at += LEASE_WORDS) {
        const connection = atomics.load(words, at + LOCK) >>> 0
        if (connection !== 0 && isDead(connection)) unlock(at, connection)
      }
    },
  }
}

/** Words of a worker's slot behind its state. */
const FREE_COUNT = 2
const LOAD = 3
const WORKER_WORDS = 4
/** The load is kept in thousandths. */
const LOAD_UNIT = 1_000

export function createWorkerSlots(
  buffer = new SharedArrayBuffer(SlotTable.bytes(LIMITS.workersMax.value, WORKER_WORDS)),
): WorkerSlots & { readonly buffer: SharedArrayBuffer } {
  const table = new SlotTable(buffer, WORKER_WORDS, Atomics)
  const { words } = table
  return {
    buffer,
    open: nowMs =>
      table.open(LIVE, at => {
        Atomics.store(words, at + BEAT, wrapped(nowMs))
        Atomics.store(words, at + FREE_COUNT, 0)
        Atomics.store(words, at + LOAD, 0)
      }),
    close: ref => table.close(ref),
    beat(ref, nowMs, free, load) {
      if (table.state(ref) === undefined) return false
      storeLater(table, table.at(ref) + BEAT, wrapped(nowMs))
      Atomics.store(words, table.at(ref) + FREE_COUNT, free)
      Atomics.store(words, table.at(ref) + LOAD, Math.round(load * LOAD_UNIT))
      return table.state(ref) !== undefined
    },
    read: (ref, nowMs) => ({
      beatAtMs: nowMs - ageMs(table, ref, nowMs),
      free: Atomics.load(words, table.at(ref) + FREE_COUNT),
      load: Atomics.load(words, table.at(ref) + LOAD) / LOAD_UNIT,
    }),
  }
}
