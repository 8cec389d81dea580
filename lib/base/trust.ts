/** How a daemon is known, and what is shown to it, as people write it. Files are in PEM. */
export interface Trust {
  /** SHA256:BASE64, or hex as openssl prints it. */
  readonly fingerprint?: string | undefined
  /** Certificates of authorities. */
  readonly caFile?: string | undefined
  /** Nothing is encrypted, and that is known. */
  readonly plaintext?: boolean | undefined
  /** The own certificate, to log in without a password, and its key. */
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
}

const KEYS = ['fingerprint', 'caFile', 'plaintext', 'certFile', 'keyFile'] as const

/** Whether it says anything at all. */
export const isTrustGiven = (trust: Trust): boolean =>
  KEYS.some(key => trust[key] !== undefined && trust[key] !== false)

/** SHA256: and 43 characters of base64, as ssh writes it; undefined for what is no fingerprint. */
export function parseFingerprint(text: string): string | undefined {
  const [, base64] = /^SHA256:([A-Za-z0-9+/]{43})=?$/.exec(text) ?? []
  if (base64 !== undefined) return `SHA256:${base64}`
  const hex = text.replace(/^sha256 fingerprint=/i, '').replaceAll(':', '')
  return /^[0-9a-f]{64}$/i.test(hex) ? fingerprintOf(Buffer.from(hex, 'hex')) : undefined
}

/** @param sha256 of a certificate in DER */
export const fingerprintOf = (sha256: Uint8Array): string =>
  `SHA256:${Buffer.from(sha256).toString('base64').slice(0, 43)}`
