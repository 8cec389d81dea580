import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** Before the first start: the clocks of clients may be behind. */
const BACKDATED_MS = 86_400_000
/** RFC 5280 §4.1.2.5: without an end. Who pins a certificate trusts it until it is replaced. */
const NO_END = '99991231235959Z'

/**
 * A new key on P-256 and a certificate that it signs itself, in PEM: the least that X.509 (RFC 5280) asks for. Clients
 * know it by its fingerprint; it names no host, so nobody can take it for a certificate of a CA.
 */
export function makeCertificate(nowMs: number): { readonly key: string; readonly certificate: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(set(sequence(OID_COMMON_NAME, tlv(UTF8_STRING, Buffer.from('jankinsd')))))
  const signed = sequence(
    tlv(VERSION, integer(Buffer.from([2]))), // v3
    integer(serialNumber()),
    ECDSA_WITH_SHA256,
    name,
    sequence(generalizedTime(nowMs - BACKDATED_MS), tlv(GENERALIZED_TIME, Buffer.from(NO_END))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const signature = sign('sha256', signed, privateKey)
  const certificate = sequence(signed, ECDSA_WITH_SHA256, tlv(BIT_STRING, Buffer.from([0]), signature))
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: pem('CERTIFICATE', certificate),
  }
}

// X.690: each value is a tag, the length of its content, the content.
const INTEGER = 0x02
const BIT_STRING = 0x03
const OBJECT_IDENTIFIER = 0x06
const UTF8_STRING = 0x0c
const GENERALIZED_TIME = 0x18
const SEQUENCE = 0x30
const SET = 0x31
const VERSION = 0xa0

const OID_COMMON_NAME = tlv(OBJECT_IDENTIFIER, Buffer.from('550403', 'hex')) // 2.5.4.3
const ECDSA_WITH_SHA256 = sequence(tlv(OBJECT_IDENTIFIER, Buffer.from('2a8648ce3d040302', 'hex')))

function tlv(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...(length < 0x80 ? [length] : long)]), content])
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tlv(SEQUENCE, ...parts)
}
const set = (part: Uint8Array): Buffer => tlv(SET, part)
const integer = (bytes: Uint8Array): Buffer => tlv(INTEGER, bytes)

/** Positive and without a leading zero, whatever the dice say. */
function serialNumber(): Buffer {
  const serial = randomBytes(16)
  serial[0] = (serial[0]! & 0x7f) | 0x40
  return serial
}

const generalizedTime = (ms: number): Buffer =>
  tlv(GENERALIZED_TIME, Buffer.from(`${new Date(ms).toISOString().replace(/[-T:]|\..*/g, '')}Z`))

const pem = (label: string, der: Buffer): string =>
  [`-----BEGIN ${label}-----`, ...(der.toString('base64').match(/.{1,64}/g) ?? []), `-----END ${label}-----`, ''].join(
    '\n',
  )
