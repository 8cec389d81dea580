import { sleep } from '../../base/clock.js'
import type { ResilientClient } from '../../client/resilient.js'
import type { Context } from '../command.js'
import { EXIT } from '../failure.js'
import { styleOf } from '../pages.js'
import { daemonNowMs } from '../session.js'
import { readOpen } from './lines.js'
import { renderWatch, type Watched } from './render-watch.js'

const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'
/** Ctrl-C and Ctrl-D. */
const ENDING_KEYS = ['q', '\u0003', '\u0004']

/** A full screen that is painted anew, until q or Ctrl-C. What was on the terminal comes back then. */
export async function watchOnScreen(context: Context, client: ResilientClient, everyMs: number): Promise<number> {
  const { clock, stdout, terminal } = context
  // Nothing is hidden for a daemon that cannot be reached.
  let watched = await read(client)
  const leave = new AbortController()
  const screen = terminal.openScreen(key => {
    if (ENDING_KEYS.includes(key)) leave.abort()
  })
  try {
    while (!leave.signal.aborted) {
      await stdout.write(frameOf(context, client, watched))
      await sleep(clock, everyMs, leave.signal).catch(() => {})
      if (!leave.signal.aborted) watched = await Promise.race([read(client), aborted(leave.signal, watched)])
    }
    return EXIT.done
  } finally {
    screen.close()
  }
}

async function read(client: ResilientClient): Promise<Watched> {
  const [status, open, { workers }] = await Promise.all([
    client.call('server.status', {}),
    readOpen(client),
    client.call('worker.list', {}),
  ])
  return { status, jobs: [...open.values()], workers }
}

/** A key is answered at once, also while the daemon is away. */
const aborted = (signal: AbortSignal, watched: Watched): Promise<Watched> =>
  new Promise(resolve => signal.addEventListener('abort', () => resolve(watched), { once: true }))

/** Painted over the one before, line by line: a screen that is cleared first would flicker. */
function frameOf(context: Context, client: ResilientClient, watched: Watched): string {
  const lines = renderWatch(watched, daemonNowMs(context, client), styleOf(context), context.terminal.rows)
  return `${HOME}${lines.map(line => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`
}
