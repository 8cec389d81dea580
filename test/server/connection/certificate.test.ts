import t from 'tap'
import { certifiedAccount, userOf } from '../../../lib/server/connection/certificate.js'
import type { Name } from '../../../protocol/ids.js'
import { startDaemonInProcess } from '../../helpers/daemon.js'

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

t.test('who is let in: a good certificate of an active account, and nobody else', async t => {
  const daemon = await startDaemonInProcess(t)
  await daemon.login('worker', { user: 'box-7' })
  await daemon.login('worker', { user: 'gone' })
  await daemon.store.setUserActive('gone' as Name, false)
  const services = { ...daemon.services, certificateUsers: byCommonName }
  const shown = (subject: string, flaw?: string) => ({ bindings: {}, certificate: { subject, ...(flaw && { flaw }) } })
  t.match(await certifiedAccount('', shown('CN=box-7'), services), { user: 'box-7', role: 'worker' })
  t.match(await certifiedAccount('box-7', shown('CN=box-7'), services), { user: 'box-7' })
  const refused = (detail: object) => ({ code: 'E_AUTH', detail })
  const other = { reason: 'the certificate is not that of this account' }
  await t.rejects(certifiedAccount('admin', shown('CN=box-7'), services), refused(other))
  await t.rejects(certifiedAccount('', shown('O=nobody'), services), refused(other))
  await t.rejects(certifiedAccount('', shown('CN=gone'), services), refused({}))
  await t.rejects(certifiedAccount('', shown('CN=unknown'), services), refused({}))
  const expired = { reason: 'the certificate of the client is not good: CERT_HAS_EXPIRED' }
  await t.rejects(certifiedAccount('', shown('CN=box-7', 'CERT_HAS_EXPIRED'), services), refused(expired))
  for (const tls of [undefined, { bindings: {} }])
    await t.rejects(certifiedAccount('', tls, services), refused({ reason: 'the client has shown no certificate' }))
  await t.rejects(
    certifiedAccount('', shown('CN=box-7'), daemon.services),
    refused({ reason: 'this daemon takes no certificates of clients' }),
  )
})
