import { writeSync } from 'node:fs'
import type { Screen, Terminal } from './command.js'

/** The alternate screen without a cursor, and back. */
const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const ROWS_DEFAULT = 24

/** The terminal of this process. */
export const processTerminal: Terminal = {
  get isInteractive() {
    return process.stdin.isTTY === true && process.stderr.isTTY === true
  },
  get rows() {
    return process.stdout.rows ?? ROWS_DEFAULT
  },
  onInterrupt(handle) {
    process.on('SIGINT', handle)
    return () => void process.off('SIGINT', handle)
  },
  openScreen,
}

/** What was on the terminal is there again after any end of this program but SIGKILL. */
function openScreen(onKey: (key: string) => void): Screen {
  const { stdin, stdout } = process
  const onData = (data: string): void => {
    for (const key of data) onKey(key)
  }
  let isOpen = true
  const restore = (): void => {
    if (!isOpen) return
    isOpen = false
    if (stdin.isTTY) stdin.setRawMode(false)
    // Not by the stream: at the exit of the process nothing waits for it.
    writeSync(stdout.fd, LEAVE)
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    close()
    process.kill(process.pid, signal)
  }
  function close(): void {
    restore()
    process.off('exit', restore)
    for (const signal of ENDING) process.off(signal, onSignal)
    stdin.off('data', onData).pause()
  }
  process.on('exit', restore)
  for (const signal of ENDING) process.on(signal, onSignal)
  if (stdin.isTTY) stdin.setRawMode(true)
  stdin.setEncoding('utf8').on('data', onData).resume()
  writeSync(stdout.fd, ENTER)
  return { close }
}
