import { createServer, type Server, type Socket } from 'node:net'
import type { Address } from '../../base/wire.js'
import { isLoopback } from '../network.js'
import { StartError } from './start-error.js'

const KEEP_ALIVE_MS = 30_000
const BACKLOG = 4096
/** sd_listen_fds(3): the first descriptor that systemd hands over. */
const FIRST_FD = 3

export interface Listener {
  /** With the port that was really taken. */
  readonly address: Address
  /** No new connections; the accepted ones stay. */
  close(): void
}

export interface ListenOptions {
  readonly host: string
  readonly port: number
  /** Listen where others can hear, although nothing is encrypted. */
  readonly allowPlaintext: boolean
  readonly isEncrypted: boolean
  /** systemd's, where it listens already. */
  readonly fd?: number | undefined
  /** The socket is paused. */
  onSocket(socket: Socket): void
}

/** @throws StartError that says what to do */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { host, port, fd } = options
  if (fd === undefined) checkReach(host, options)
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS, pauseOnConnect: true },
    socket => options.onSocket(socket),
  )
  await bind(server, fd === undefined ? { host, port, backlog: BACKLOG } : { fd }, options)
  const bound = server.address()
  const address = typeof bound === 'object' && bound ? { host: bound.address, port: bound.port } : { host, port }
  try {
    checkReach(address.host, options)
  } catch (error) {
    server.close()
    throw error
  }
  return { address, close: () => server.close() }
}

/** systemd's socket, when it was handed to this very process. */
export function inheritedFd(environment: NodeJS.ProcessEnv, pid: number): number | undefined {
  const isOurs = environment.LISTEN_PID === String(pid) && Number(environment.LISTEN_FDS ?? 0) >= 1
  return isOurs ? FIRST_FD : undefined
}

export const formatAddress = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** @param flags of jankinsd that name another place */
export function bindError(
  error: NodeJS.ErrnoException,
  address: Address,
  flags: { readonly host: string; readonly port: string },
): StartError {
  const where = formatAddress(address)
  switch (error.code) {
    case 'EADDRINUSE':
      return new StartError(`${where} is in use: stop the program that listens there, or give another ${flags.port}`)
    case 'EACCES':
      return new StartError(`this user may not listen on ${where}: give ${flags.port} a port above 1023`)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StartError(`${address.host} is not an address of this machine: give another ${flags.host}`)
    default:
      return new StartError(`cannot listen on ${where}: ${error.code ?? error.message}`)
  }
}

function bind(
  server: Server,
  where: { readonly host: string; readonly port: number; readonly backlog: number } | { readonly fd: number },
  { host, port }: ListenOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(bindError(error, { host, port }, { host: '--host', port: '--port' })))
    server.listen(where, () => {
      // Running out of descriptors refuses one connection; it must not end the daemon.
      server.removeAllListeners('error').on('error', () => {})
      resolve()
    })
  })
}

function checkReach(host: string, { allowPlaintext, isEncrypted }: ListenOptions): void {
  if (isEncrypted || allowPlaintext || host === 'localhost' || isLoopback(host)) return
  throw new StartError(
    `listening on ${host} lets others read everything on the way: set auto = true in [tls], or allow_plaintext = true to do so, or --host 127.0.0.1`,
    2,
  )
}
