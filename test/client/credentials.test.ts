import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { formatAddress, parseAddress } from '../../lib/client/address.js'
import {
  credentialsPath,
  readLogin,
  readProfile,
  removeLogin,
  type StoredLogin,
  writeLogin,
} from '../../lib/client/credentials.js'
import type { Name } from '../../protocol/ids.js'

const here = { host: '127.0.0.1', port: 5_265 }
const there = { host: '::1', port: 1 }

const loginOf = (user: string, fill: number): StoredLogin => ({
  user: user as Name,
  salt: Buffer.alloc(16, fill),
  iterations: 4_096,
  keys: { clientKey: Buffer.alloc(32, fill), serverKey: Buffer.alloc(32, fill + 1) },
})

t.test('logins of several daemons are kept side by side, for the owner alone', async t => {
  const path = join(t.testdir(), 'deep', 'jankins', 'credentials.json')
  t.equal(await readLogin(path, here), undefined)
  await writeLogin(path, here, loginOf('ada', 1))
  await writeLogin(path, there, loginOf('bob', 5))
  await writeLogin(path, here, loginOf('eve', 9))
  t.strictSame(await readLogin(path, here), loginOf('eve', 9))
  t.strictSame(await readLogin(path, there), loginOf('bob', 5))
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(statSync(dirname(path)).mode & 0o777, 0o700)
  t.strictSame(readdirSync(dirname(path)), ['credentials.json'], 'no temporary file is left')
})

t.test('logins are kept under names too, and each is forgotten by itself', async t => {
  const path = join(t.testdir(), 'credentials.json')
  const lab = 'lab' as Name
  t.equal(await readProfile(path, lab), undefined)
  t.equal(await removeLogin(path, here), false)
  await writeLogin(path, here, loginOf('ada', 1))
  await writeLogin(path, here, loginOf('bob', 5), lab)
  await writeLogin(path, there, loginOf('eve', 9), 'far' as Name)
  t.strictSame(await readLogin(path, here), loginOf('ada', 1))
  t.strictSame(await readProfile(path, lab), { address: here, login: loginOf('bob', 5) })
  t.equal(await removeLogin(path, here, lab), true)
  t.equal(await readProfile(path, lab), undefined)
  t.equal(await removeLogin(path, here), true)
  t.equal(await readLogin(path, here), undefined)
  t.strictSame(await readProfile(path, 'far' as Name), { address: there, login: loginOf('eve', 9) })
  t.equal(statSync(path).mode & 0o777, 0o600)
  writeFileSync(path, '{"servers":{},"profiles":{"lab":{"user":"ada"}}}')
  await t.rejects(readProfile(path, lab), { name: 'CredentialsError', message: /damaged: remove it/ })
})

t.test('a file that is damaged or cannot be read says so, and is not written over', async t => {
  const damaged = [
    'nonsense',
    '{}',
    'null',
    '{"servers":{"127.0.0.1:5265":{"user":"ada"}}}',
    '{"servers":{"127.0.0.1:5265":{"user":"a b","salt":"AA==","iterations":1,"clientKey":"AA==","serverKey":"AA=="}}}',
  ]
  for (const content of damaged) {
    const path = join(t.testdir({ 'credentials.json': content }), 'credentials.json')
    await t.rejects(readLogin(path, here), { name: 'CredentialsError', message: /damaged: remove it/ }, content)
  }
  const dir = t.testdir({ 'a-file': 'x' })
  mkdirSync(join(dir, 'credentials.json'))
  await t.rejects(readLogin(join(dir, 'credentials.json'), here), { name: 'CredentialsError' })
  writeFileSync(join(dir, 'broken'), '{')
  await t.rejects(writeLogin(join(dir, 'broken'), here, loginOf('ada', 1)), { name: 'CredentialsError' })
})

t.test('the file lies where the desktop rules say', async t => {
  t.equal(credentialsPath({ XDG_CONFIG_HOME: '/x', HOME: '/h' }), '/x/jankins/credentials.json')
  t.equal(credentialsPath({ XDG_CONFIG_HOME: '', HOME: '/h' }), '/h/.config/jankins/credentials.json')
})

t.test('addresses are read as people write them', async t => {
  const cases: [string, ReturnType<typeof parseAddress>][] = [
    ['box', { host: 'box', port: 5_265 }],
    ['box:1', { host: 'box', port: 1 }],
    ['10.0.0.1:65535', { host: '10.0.0.1', port: 65_535 }],
    ['[::1]', { host: '::1', port: 5_265 }],
    ['[fe80::1%eth0]:7', { host: 'fe80::1%eth0', port: 7 }],
    ...['', ':1', 'box:', 'box:0', 'box:65536', 'box:x', '::1', '[::1', 'a b', 'a:1:2'].map(
      text => [text, undefined] as [string, undefined],
    ),
  ]
  for (const [text, address] of cases) {
    t.strictSame(parseAddress(text), address, text)
    if (address) t.strictSame(parseAddress(formatAddress(address)), address)
  }
})
