import { JankinsError } from '../../../protocol/errors.js'
import { type Name, parseName } from '../../../protocol/ids.js'
import type { CertificateUsers } from '../../base/tls-keys.js'
import type { TlsFacts } from '../ports.js'

/**
 * The user that the certificate of a connection stands for; whether there is such an account is not looked at.
 * @param wanted the account that the client named; empty for whichever it is
 * @throws JankinsError E_AUTH, with a reason for a certificate that is missing, bad or of nobody
 */
export function certifiedUser(
  wanted: string,
  tls: TlsFacts | undefined,
  certificateUsers: CertificateUsers | undefined,
): Name {
  if (!certificateUsers) throw refused('this daemon takes no certificates of clients')
  const certificate = tls?.certificate
  if (!certificate) throw refused('the client has shown no certificate')
  if (certificate.flaw !== undefined) throw refused(`the certificate of the client is not good: ${certificate.flaw}`)
  const user = userOf(certificate.subject, certificateUsers)
  if (user === undefined || (wanted !== '' && wanted !== user))
    throw refused('the certificate is not that of this account')
  return user
}

/** @param subject one attribute per line, as X509Certificate has it: `CN=box-7`, escaped by RFC 2253 */
export function userOf(subject: string, { bySubject, byCommonName }: CertificateUsers): Name | undefined {
  const attributes = subject.split('\n')
  const entry = bySubject.find(({ subject }) => sameAttributes(attributesOf(subject), attributes))
  if (entry) return parseName(entry.user)
  const names = attributes.filter(attribute => attribute.startsWith('CN='))
  // Two common names could be read as either: such a certificate is nobody's.
  return byCommonName && names.length === 1 ? parseName(names[0]!.slice(3).replaceAll('\\+', '+')) : undefined
}

/** `O = Example, CN = box-7`, as openssl prints it. */
const attributesOf = (text: string): string[] =>
  text.split(/(?<!\\),/).map(attribute => attribute.trim().replace(/^([^=]*?)\s*=\s*/, '$1='))

const sameAttributes = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((attribute, at) => attribute === b[at])

const refused = (reason: string): JankinsError => new JankinsError('E_AUTH', { reason })
