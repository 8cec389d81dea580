/** IPv4 in an IPv6 socket. RFC 4291 §2.5.5.2. */
const MAPPED = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i
/** Of the eight groups of an IPv6 address those that name the network: a host chooses the rest as it likes. */
const NETWORK_GROUPS = 4

/** What the limits for one address count as one: an IPv4 address, or the network (/64) of an IPv6 one. */
export function networkOf(address: string): string {
  const [, mapped] = MAPPED.exec(address) ?? []
  if (mapped !== undefined) return mapped
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after]
  return `${groups.slice(0, NETWORK_GROUPS).join(':')}::/64`
}

/** What is sent there does not leave the machine. */
export const isLoopback = (address: string): boolean =>
  address === '::1' || /^127(\.\d{1,3}){3}$/.test(networkOf(address))

/** The host of `HOST:PORT`, as connections tell their peer. */
export const hostOf = (address: string): string => address.slice(0, Math.max(0, address.lastIndexOf(':')))
