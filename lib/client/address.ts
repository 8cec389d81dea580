import type { Address } from '../base/wire.js'

/** Where a daemon listens unless it is told otherwise. */
export const PORT_DEFAULT = 5265
export const HOST_DEFAULT = '127.0.0.1'

const FORM = /^(?:\[([0-9A-Fa-f:.%a-z]+)\]|([^[\]:\s]+))(?::(\d{1,5}))?$/

/** Reads HOST, HOST:PORT, [IPv6] or [IPv6]:PORT; undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  const match = FORM.exec(text)
  const host = match?.[1] ?? match?.[2]
  if (host === undefined) return undefined
  const port = match?.[3] === undefined ? PORT_DEFAULT : Number(match[3])
  return port >= 1 && port <= 65_535 ? { host, port } : undefined
}

/** The form that parseAddress reads, always with the port. */
export const formatAddress = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
