import t from 'tap'
import { certifiedUser, userOf } from '../../../lib/server/connection/certificate.js'

const byCommonName = { byCommonName: true, bySubject: [] }

t.test('the common name is the account, where the configuration says so', async t => {
  const cases: [string, string | undefined][] = [
    ['CN=box-7', 'box-7'],
    ['O=Example\nCN=box-7', 'box-7'],
    ['CN=a\\+b@example.org', 'a+b@example.org'],
    ['O=Example', undefined],
    ['CN=box-7\nCN=admin', undefined],
    ['CN=box 7', undefined],
    ['O=x + CN=admin', undefined],
    ['CN=ad\\0Amin', undefined],
    ['O=CN=admin', undefined],
    ['CN=', undefined],
  ]
  for (const [subject, user] of cases) t.equal(userOf(subject, byCommonName), user, subject)
  t.equal(userOf('CN=box-7', { byCommonName: false, bySubject: [] }), undefined)
})

t.test('a whole subject is an account of its own, as openssl prints it', async t => {
  const bySubject = [
    { subject: 'O = Example\\, Inc., CN = Box 7', user: 'box-7' },
    { subject: 'CN=ada', user: 'eve' },
    { subject: 'CN=broken', user: 'no name' },
  ]
  const users = { byCommonName: true, bySubject }
  const cases: [string, string | undefined][] = [
    ['O=Example\\, Inc.\nCN=Box 7', 'box-7'],
    ['CN=Box 7\nO=Example\\, Inc.', undefined],
    ['O=Example\\, Inc.\nCN=Box 7\nOU=more', undefined],
    ['CN=ada', 'eve'],
    ['CN=broken', undefined],
    ['CN=bob', 'bob'],
  ]
  for (const [subject, user] of cases) t.equal(userOf(subject, users), user, subject)
})

t.test('whose a certificate is: good, shown, and of the account that is named', async t => {
  const shown = (subject: string, flaw?: string) => ({ bindings: {}, certificate: { subject, ...(flaw && { flaw }) } })
  t.equal(certifiedUser('', shown('CN=box-7'), byCommonName), 'box-7')
  t.equal(certifiedUser('box-7', shown('CN=box-7'), byCommonName), 'box-7')
  const refused = (reason: string) => ({ code: 'E_AUTH', detail: { reason } })
  const other = refused('the certificate is not that of this account')
  t.throws(() => certifiedUser('admin', shown('CN=box-7'), byCommonName), other)
  t.throws(() => certifiedUser('', shown('O=nobody'), byCommonName), other)
  const expired = refused('the certificate of the client is not good: CERT_HAS_EXPIRED')
  t.throws(() => certifiedUser('', shown('CN=box-7', 'CERT_HAS_EXPIRED'), byCommonName), expired)
  for (const tls of [undefined, { bindings: {} }])
    t.throws(() => certifiedUser('', tls, byCommonName), refused('the client has shown no certificate'))
  t.throws(
    () => certifiedUser('', shown('CN=box-7'), undefined),
    refused('this daemon takes no certificates of clients'),
  )
})
