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

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs() {
    // performance.now() counts from the start of its thread; hrtime is CLOCK_MONOTONIC, the same for all threads.
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1e3 + nanoseconds / 1e6
  },
  after(delayMs, callback, options) {
    const timeout = setTimeout(callback, delayMs)
    if (options?.background) timeout.unref()
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
