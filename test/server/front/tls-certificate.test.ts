import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeCertificate } from '../../../lib/server/front/tls-certificate.js'
import { loadTls } from '../../../lib/server/front/tls-material.js'

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5)
const AUTO = { certificate: 'auto', clients: undefined } as const

t.test('the certificate is sound to Node and to openssl, and each one is another', async t => {
  const seen = new Set<string>()
  for (let round = 0; round < 20; round++) {
    const { key, certificate } = makeCertificate(NOW_MS)
    const parsed = new X509Certificate(certificate)
    t.ok(parsed.verify(parsed.publicKey), 'it signs itself')
    t.ok(parsed.checkPrivateKey(createPrivateKey(key)))
    t.equal(parsed.subject, 'CN=jankinsd')
    t.equal(parsed.validFrom, 'Jan  1 03:04:05 2026 GMT')
    t.equal(parsed.validTo, 'Dec 31 23:59:59 9999 GMT')
    seen.add(parsed.serialNumber).add(parsed.fingerprint256)
  }
  t.equal(seen.size, 40)
  const file = join(t.testdir(), 'certificate.pem')
  writeFileSync(file, makeCertificate(NOW_MS).certificate)
  const run = (...args: string[]) => execFileSync('openssl', args, { encoding: 'utf8' })
  t.match(run('verify', '-x509_strict', '-partial_chain', '-CAfile', file, file), /: OK/)
  t.match(run('x509', '-in', file, '-noout', '-text'), /Version: 3[\s\S]*ecdsa-with-SHA256[\s\S]*prime256v1/)
})

t.test('it is made once, in a file for the owner alone', async t => {
  const dataDir = t.testdir()
  const first = loadTls(AUTO, dataDir, NOW_MS)
  const file = join(dataDir, 'tls.pem')
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.match(first.fingerprint, /^SHA256:[A-Za-z0-9+/]{43}$/)
  t.equal(loadTls(AUTO, dataDir, NOW_MS + 1e9).fingerprint, first.fingerprint)
  const hex = execFileSync('openssl', ['x509', '-in', file, '-noout', '-fingerprint', '-sha256'], { encoding: 'utf8' })
  const [, digits = ''] = /=([0-9A-F:]+)/.exec(hex) ?? []
  t.equal(first.fingerprint, `SHA256:${Buffer.from(digits.replaceAll(':', ''), 'hex').toString('base64').slice(0, 43)}`)
})

t.test('files that cannot be used are named in one line', async t => {
  const { key, certificate } = makeCertificate(NOW_MS)
  const other = makeCertificate(NOW_MS)
  const dir = t.testdir({ 'key.pem': key, 'cert.pem': certificate, 'other.pem': other.key, 'text.pem': 'text' })
  const load = (cert: string, key: string, ca?: string) => () =>
    loadTls(
      {
        certificate: { certFile: join(dir, cert), keyFile: join(dir, key) },
        clients: ca === undefined ? undefined : { caFile: join(dir, ca), users: { byCommonName: true, bySubject: [] } },
      },
      dir,
      NOW_MS,
    )
  t.equal(load('cert.pem', 'key.pem', 'cert.pem')().clientAuthorities, readFileSync(join(dir, 'cert.pem'), 'utf8'))
  const wrong = (message: RegExp) => ({ name: 'StartError', exitCode: 2, message })
  t.throws(load('none.pem', 'key.pem'), wrong(/^cannot read .*none\.pem, the certificate of \[tls] \(ENOENT\)/))
  t.throws(load('cert.pem', 'none.pem'), wrong(/^cannot read .*none\.pem, the key of \[tls] \(ENOENT\)/))
  t.throws(load('text.pem', 'key.pem'), wrong(/text\.pem holds no certificate in PEM$/))
  t.throws(load('cert.pem', 'other.pem'), wrong(/other\.pem is not the key of the certificate in .*cert\.pem/))
  t.throws(load('cert.pem', 'key.pem', 'text.pem'), wrong(/text\.pem holds no certificate in PEM$/))
})
