import { createServer, type RequestListener, type Server } from 'node:http'
import type { Log } from '../../base/log.js'
import type { Address } from '../../base/wire.js'
import { CONTENT_TYPE } from '../metrics/text.js'
import { isLoopback } from '../network.js'
import { bindError, formatAddress } from './listener.js'
import { StartError } from './start-error.js'

const PATH = '/metrics'
/** Prometheus asks over one connection, twice a minute. */
const CONNECTIONS_MAX = 16
const HEADER_BYTES_MAX = 8 * 1024
/** For a request, from its first byte to its last, and for a connection that says and takes nothing. */
const PATIENCE_MS = 5_000
/** How often connections are looked at. */
const LOOK_MS = 1_000

export interface MetricsServer {
  /** Of the one page, with the port that was really taken. */
  readonly url: string
  close(): void
}

export interface MetricsServerOptions {
  readonly address: Address
  /** Others than this machine may ask. */
  readonly allowRemote: boolean
  readonly log: Log
  /** Makes the page. Not called again before it has answered: who asks meanwhile gets the same. */
  render(): Promise<string>
}

/**
 * Serves the metrics over HTTP, apart from the wire of jankins: who does not use them has no HTTP at all. What peers can
 * take is bounded: connections, bytes of a request and time.
 * @throws StartError that says what to do
 */
export async function serveMetrics(options: MetricsServerOptions): Promise<MetricsServer> {
  const { host, port } = options.address
  checkReach(host, options)
  const server = createServer({
    ...{ maxHeaderSize: HEADER_BYTES_MAX, connectionsCheckingInterval: LOOK_MS },
    ...{ headersTimeout: PATIENCE_MS, requestTimeout: PATIENCE_MS, keepAliveTimeout: PATIENCE_MS },
  })
  server.maxConnections = CONNECTIONS_MAX
  server.timeout = PATIENCE_MS
  server.on('request', handlerOf(options))
  await bind(server, options.address)
  const bound = server.address()
  const taken = typeof bound === 'object' && bound ? { host: bound.address, port: bound.port } : { host, port }
  try {
    checkReach(taken.host, options)
  } catch (error) {
    server.close()
    throw error
  }
  return {
    url: `http://${formatAddress(taken)}${PATH}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function handlerOf({ render, log }: MetricsServerOptions): RequestListener {
  let rendering: Promise<string> | undefined
  const page = (): Promise<string> => {
    rendering ??= render().finally(() => {
      rendering = undefined
    })
    return rendering
  }
  return ({ method, url }, response) => {
    const say = (status: number, text: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end(`${text}\n`)
    }
    if (url?.split('?')[0] !== PATH) say(404, `there is only ${PATH}`)
    else if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      say(405, `${PATH} can only be read`)
    } else
      page().then(
        text => response.writeHead(200, { 'content-type': CONTENT_TYPE }).end(text),
        (error: unknown) => {
          log.error('the metrics could not be told', {}, error)
          say(500, 'the log of jankinsd says why')
        },
      )
  }
}

function bind(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(bindError(error, address, { host: '--metrics', port: '--metrics' })))
    server.listen(address, () => {
      // Running out of descriptors refuses one connection; it must not end the daemon.
      server.removeAllListeners('error').on('error', () => {})
      resolve()
    })
  })
}

function checkReach(host: string, { allowRemote }: MetricsServerOptions): void {
  if (allowRemote || host === 'localhost' || isLoopback(host)) return
  throw new StartError(
    `metrics on ${host} can be read by everybody who reaches it: set metrics_allow_remote = true to want that, or a host such as 127.0.0.1`,
    2,
  )
}
