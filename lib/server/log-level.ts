import { LOG_LEVELS, type LogLevel } from '../base/log.js'

/** The level of the log in shared memory: a change holds for all threads at once, also for those that start later. */
export function createLogLevel(level: LogLevel): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  setLogLevel(memory, level)
  return memory
}

export const setLogLevel = (memory: SharedArrayBuffer, level: LogLevel): void =>
  void Atomics.store(new Int32Array(memory), 0, LOG_LEVELS.indexOf(level))

/** Looks at the memory each time: for recordLog. */
export function sharedLogLevel(memory: SharedArrayBuffer): () => LogLevel {
  const word = new Int32Array(memory)
  return () => LOG_LEVELS[Atomics.load(word, 0)] ?? 'info'
}
