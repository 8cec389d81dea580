/** Most threads that server.status can show. */
export const COUNTED_THREADS_MAX = 10_000

/** Shared memory for the connections of each thread: Int32, connections and 1, or 0 where there is no thread. */
export const createCounts = (): SharedArrayBuffer =>
  new SharedArrayBuffer(COUNTED_THREADS_MAX * Int32Array.BYTES_PER_ELEMENT)

export function connectionsByThread(
  counts: SharedArrayBuffer,
): readonly { readonly thread: number; readonly connections: number }[] {
  const table = new Int32Array(counts)
  const threads: { thread: number; connections: number }[] = []
  for (let thread = 0; thread < table.length; thread++) {
    const count = Atomics.load(table, thread)
    if (count > 0) threads.push({ thread, connections: count - 1 })
  }
  return threads
}
