import type { Writable } from 'node:stream'
import { type Output, OutputClosedError } from './command.js'

/** What is piped somewhere is cut by nobody. */
const COLUMNS_DEFAULT = Number.POSITIVE_INFINITY

type Stream = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly fd?: number }

/** Writes to stdout or stderr with back-pressure. */
export function streamOutput(stream: Stream): Output {
  let closed: Error | undefined
  stream.on('error', error => {
    closed ??= failureOf(error)
  })
  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns ?? COLUMNS_DEFAULT
    },
    write: data =>
      new Promise((resolve, reject) => {
        if (closed) return reject(closed)
        if (data.length === 0) return resolve()
        stream.write(data, error => (error ? reject(failureOf(error)) : resolve()))
      }),
  }
}

const failureOf = (error: Error): Error =>
  (error as NodeJS.ErrnoException).code === 'EPIPE' ? new OutputClosedError('', { cause: error }) : error
