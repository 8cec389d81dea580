import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fingerprintOf, parseFingerprint } from '../../lib/base/trust.js'
import { readServer, serversPath, writeServer } from '../../lib/client/servers.js'
import { isLoopback } from '../../lib/client/tcp.js'
import { securityOf } from '../../lib/client/trust.js'

const here = { host: 'ci.example', port: 5_265 }
const there = { host: '::1', port: 1 }
const FINGERPRINT = fingerprintOf(Buffer.alloc(32, 7))

t.test('what is known of several daemons is kept side by side, for the owner alone', async t => {
  const path = serversPath(join(t.testdir(), 'deep', 'credentials.json'))
  t.equal(await readServer(path, here), undefined)
  await writeServer(path, here, {})
  t.throws(() => statSync(path), { code: 'ENOENT' }, 'nothing is known')
  await writeServer(path, here, { fingerprint: FINGERPRINT })
  await writeServer(path, there, { plaintext: true })
  t.strictSame(await readServer(path, here), { fingerprint: FINGERPRINT })
  t.strictSame(await readServer(path, there), { plaintext: true })
  t.equal(statSync(path).mode & 0o777, 0o600)
  await writeServer(path, there, {})
  t.equal(await readServer(path, there), undefined, 'and may be forgotten')
  t.match(readFileSync(path, 'utf8'), /ci\.example:5265/)
})

t.test('a damaged file never turns a daemon that is known into any daemon', async t => {
  const entries = [
    '',
    'null',
    '{}',
    '{"servers":{"ci.example:5265":null}}',
    '{"servers":{"ci.example:5265":{}}}',
    '{"servers":{"ci.example:5265":{"fingerprint":"SHA256:short"}}}',
    '{"servers":{"ci.example:5265":{"fingerprint":7}}}',
    '{"servers":{"ci.example:5265":{"plaintext":"yes"}}}',
    '{"servers":{"ci.example:5265":{"caFile":"/ca","user":"a b"}}}',
  ]
  for (const text of entries) {
    const path = join(t.testdir({ 'servers.json': text }), 'servers.json')
    await t.rejects(readServer(path, here), { name: 'CredentialsError', message: /damaged/ }, text)
  }
})

t.test('trust that says nothing, or too much, is not guessed at', async t => {
  const dir = t.testdir({ 'ca.pem': '-----BEGIN CERTIFICATE-----', 'text.pem': 'text' })
  const file = (name: string) => join(dir, name)
  t.equal(await securityOf({}), undefined)
  t.equal(await securityOf({ plaintext: false }), undefined)
  t.strictSame(await securityOf({ plaintext: true }), { trust: { kind: 'plaintext' } })
  t.match(await securityOf({ fingerprint: FINGERPRINT }), { trust: { kind: 'pin', fingerprint: FINGERPRINT } })
  t.match(await securityOf({ caFile: file('ca.pem'), certFile: file('ca.pem'), keyFile: file('ca.pem') }), {
    trust: { kind: 'ca' },
    identity: { certificates: /BEGIN/, key: /BEGIN/ },
  })
  const wrong = [
    { fingerprint: FINGERPRINT, caFile: file('ca.pem') },
    { fingerprint: FINGERPRINT, plaintext: true },
    { fingerprint: 'SHA256:short' },
    { fingerprint: FINGERPRINT, certFile: file('ca.pem') },
    { plaintext: true, certFile: file('ca.pem'), keyFile: file('ca.pem') },
    { certFile: file('ca.pem'), keyFile: file('ca.pem') },
    { caFile: file('none.pem') },
    { caFile: file('text.pem') },
  ]
  for (const trust of wrong) await t.rejects(securityOf(trust), { name: 'TrustError' }, JSON.stringify(trust))
})

t.test('fingerprints are read as ssh and as openssl write them', async t => {
  const hex = Buffer.alloc(32, 7).toString('hex').toUpperCase()
  const colons = hex.replace(/..(?!$)/g, '$&:')
  for (const text of [FINGERPRINT, `${FINGERPRINT}=`, hex, hex.toLowerCase(), colons, `sha256 Fingerprint=${colons}`])
    t.equal(parseFingerprint(text), FINGERPRINT, text)
  for (const text of ['', 'SHA256:', FINGERPRINT.slice(7), hex.slice(2), `MD5:${hex}`, `${FINGERPRINT}x`])
    t.equal(parseFingerprint(text), undefined, text)
})

t.test('only addresses of this machine are loopback, whatever they are called', async t => {
  for (const address of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1']) t.ok(isLoopback(address), address)
  for (const address of ['10.0.0.1', '128.0.0.1', '::', '::2', 'localhost', '127.0.0.1.example', undefined])
    t.notOk(isLoopback(address), String(address))
})
