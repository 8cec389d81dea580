import { once } from 'node:events'
import { createServer } from 'node:net'

/** Where Linux takes the ports of outgoing connections from, ip(7). */
const EPHEMERAL_MIN = 32_768
const MIN = 10_000

/**
 * A port of loopback that is free now, for a daemon that is ended and started again on it. Not an ephemeral one: while
 * nobody listens there, whoever dials it can be given the same number as its own end, connect to itself and keep it.
 */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = MIN + Math.floor(Math.random() * (EPHEMERAL_MIN - MIN))
    const server = createServer()
    const tried = once(server, 'listening').then(
      () => true,
      () => false,
    )
    server.listen(port, '127.0.0.1')
    const isFree = await tried
    server.close()
    if (isFree) return port
  }
}
