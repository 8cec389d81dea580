import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'
import type { Address } from '../../lib/base/wire.js'

/** A line between a worker and the daemon, on a port of its own, that a test can cut and stall. */
export interface Line {
  readonly address: Address
  /** Pairs of sockets that are open now. */
  readonly openCount: number
  /** Both ends see a reset, as when a router forgets its connections. New ones go through. */
  cut(): void
  /** Nothing goes through in either direction, of old and of new connections, and nobody is told. Counts. */
  stall(): void
  /** Ends one stall; after the last one, what was held up goes on. */
  flow(): void
}

interface Pair {
  readonly near: Socket
  readonly far: Socket
}

/** Listens until the end of the test. */
export async function startLine(t: Test, target: Address): Promise<Line> {
  const pairs = new Set<Pair>()
  let stalls = 0
  const drop = (pair: Pair): void => {
    pairs.delete(pair)
    pair.near.destroy()
    pair.far.destroy()
  }
  const pump = (from: Socket, to: Socket): void => {
    from.on('data', bytes => {
      if (!to.write(bytes)) from.pause()
    })
    to.on('drain', () => {
      if (stalls === 0) from.resume()
    })
  }
  const server = createServer({ noDelay: true, pauseOnConnect: true }, near => {
    const pair = { near, far: connect({ ...target, noDelay: true }) }
    pairs.add(pair)
    pair.far.pause()
    for (const [from, to] of [
      [near, pair.far],
      [pair.far, near],
    ] as const) {
      pump(from, to)
      from.on('error', () => drop(pair))
      from.on('end', () => to.end())
      from.on('close', () => drop(pair))
    }
    if (stalls === 0) flow(pair)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = (): void => {
    for (const pair of [...pairs]) {
      pair.near.resetAndDestroy()
      pair.far.resetAndDestroy()
      pairs.delete(pair)
    }
  }
  t.teardown(() => {
    cut()
    server.close()
  })
  return {
    address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    get openCount() {
      return pairs.size
    },
    cut,
    stall() {
      stalls++
      for (const { near, far } of pairs) {
        near.pause()
        far.pause()
      }
    },
    flow() {
      stalls--
      if (stalls === 0) for (const pair of pairs) flow(pair)
    },
  }
}

function flow({ near, far }: Pair): void {
  near.resume()
  far.resume()
}
