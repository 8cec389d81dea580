import type { Writable } from 'node:stream'
import { type Output, OutputClosedError } from './command.js'

/** What is piped somewhere is cut by nobody. */
const COLUMNS_DEFAULT = Number.POSITIVE_INFINITY

type Stream = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly fd?: number }

/** Writes to stdout or stderr with back-pressure. The stream is opened when it is first needed: node takes 1 ms for it. */
export function streamOutput(open: () => Stream): Output {
  let stream: Stream | undefined
  let closed: Error | undefined
  const opened = (): Stream => {
    stream ??= open().on('error', error => {
      closed ??= failureOf(error)
    })
    return stream
  }
  return {
    get isTerminal() {
      return opened().isTTY === true
    },
    get columns() {
      return opened().columns ?? COLUMNS_DEFAULT
    },
    write: data =>
      new Promise((resolve, reject) => {
        if (closed) return reject(closed)
        if (data.length === 0) return resolve()
        opened().write(data, error => (error ? reject(failureOf(error)) : resolve()))
      }),
  }
}

const failureOf = (error: Error): Error =>
  (error as NodeJS.ErrnoException).code === 'EPIPE' ? new OutputClosedError('', { cause: error }) : error
