/** Time as a parameter: the daemon and the worker get the real one, tests and the simulation move a fake one. */
export interface Clock {
  /** ms since the epoch: what people see and what rows hold. May step; decides nothing. */
  nowMs(): number
  /** ms since a start that all threads of the machine share, never backwards: leases, timeouts and latencies. */
  monotonicMs(): number
  /** Runs `callback` once after `delayMs`. Never keeps the process alive by itself when `background` is set. */
  after(delayMs: number, callback: () => void, options?: { readonly background?: boolean }): Timer
}

export interface Timer {
  cancel(): void
}

/** What setTimeout takes: for more it fires at once. It is 24.8 days, and a job may have 30. */
const STEP_MS_MAX = 2 ** 31 - 1

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs() {
    // performance.now() counts from the start of its thread; hrtime is CLOCK_MONOTONIC, the same for all threads.
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1e3 + nanoseconds / 1e6
  },
  after(delayMs, callback, options) {
    let timeout: NodeJS.Timeout
    const arm = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, STEP_MS_MAX)
      timeout = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : callback()), stepMs)
      if (options?.background) timeout.unref()
    }
    arm(delayMs)
    return { cancel: () => clearTimeout(timeout) }
  },
}

/** Resolves after `delayMs` by this clock, or rejects with the signal's reason. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = (): void => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
