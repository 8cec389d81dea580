import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'

/**
 * What makes a proof of SCRAM-SHA-256-PLUS worthless on any other TLS connection: a man in the middle has two of them.
 * `tls-exporter` is of the connection itself (RFC 9266, with TLS 1.3), `tls-server-end-point` the hash of the server's
 * certificate (RFC 5929 §4). The best one comes first.
 */
export const BINDING_NAMES = ['tls-exporter', 'tls-server-end-point'] as const
export type BindingName = (typeof BINDING_NAMES)[number]

/** Those that one connection has; none without TLS. */
export type ChannelBindings = Readonly<Partial<Record<BindingName, Uint8Array>>>
export interface ChannelBinding {
  readonly name: BindingName
  readonly data: Uint8Array
}

/** RFC 9266 §2: with an empty context. */
export const EXPORTER_LABEL = 'EXPORTER-Channel-Binding'
export const EXPORTER_BYTES = 32

export const isBindingName = (name: string): name is BindingName => BINDING_NAMES.some(known => known === name)

export function bestBinding(bindings: ChannelBindings): ChannelBinding | undefined {
  for (const name of BINDING_NAMES) {
    const data = bindings[name]
    if (data) return { name, data }
  }
  return undefined
}

/**
 * `tls-server-end-point`: the certificate, hashed as its signature does it, MD5 and SHA-1 replaced by SHA-256.
 * Undefined where the signature names no hash of its own, as with Ed25519.
 * @param certificate in DER
 */
export function serverEndPoint(certificate: Uint8Array): Uint8Array | undefined {
  const hash = HASH_BY_ALGORITHM[signatureAlgorithm(Buffer.from(certificate)) ?? '']
  return hash === undefined ? undefined : createHash(hash).update(certificate).digest()
}

/** By the object identifier of the signature algorithm, in hex as DER has it. */
const HASH_BY_ALGORITHM: Readonly<Record<string, string>> = {
  '2a864886f70d010104': 'sha256', // MD5 with RSA
  '2a864886f70d010105': 'sha256', // SHA-1 with RSA
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d0401': 'sha256', // SHA-1 with ECDSA
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
}

/** RFC 5280 §4.1: a SEQUENCE of what is signed, the algorithm (a SEQUENCE with its identifier first), the signature. */
function signatureAlgorithm(certificate: Buffer): string | undefined {
  const whole = readTag(certificate, 0, 0x30)
  const signed = whole && readTag(certificate, whole.from, 0x30)
  const algorithm = signed && readTag(certificate, signed.to, 0x30)
  const identifier = algorithm && readTag(certificate, algorithm.from, 0x06)
  return identifier && certificate.toString('hex', identifier.from, identifier.to)
}

/** Where the content of the value at `at` lies; undefined when it is of another kind, or not all there. */
function readTag(der: Buffer, at: number, tag: number): { readonly from: number; readonly to: number } | undefined {
  const first = der[at + 1]
  if (der[at] !== tag || first === undefined) return undefined
  const lengthBytes = first < 0x80 ? 0 : first - 0x80
  const from = at + 2 + lengthBytes
  if (lengthBytes > 4 || from > der.length) return undefined
  const to = from + (lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes))
  return to <= der.length ? { from, to } : undefined
}
