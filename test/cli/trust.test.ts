import { join } from 'node:path'
import t from 'tap'
import { fingerprintOf } from '../../lib/base/trust.js'
import { readLoginTarget } from '../../lib/cli/login-target.js'
import { findTrust } from '../../lib/cli/trust.js'
import { writeServer } from '../../lib/client/servers.js'

const here = { host: 'ci.example', port: 5_265 }
const there = { host: '::1', port: 1 }
const FINGERPRINT = fingerprintOf(Buffer.alloc(32, 7))

t.test('what is given wins over the environment, and that over what is kept', async t => {
  const XDG_CONFIG_HOME = t.testdir()
  const path = join(XDG_CONFIG_HOME, 'jankins', 'servers.json')
  await writeServer(path, here, { fingerprint: FINGERPRINT, certFile: '/c', keyFile: '/k', user: 'box-7' as never })
  const env = { XDG_CONFIG_HOME }
  t.match(await findTrust(env, here), { fingerprint: FINGERPRINT, certFile: '/c', keyFile: '/k', user: 'box-7' })
  const byCa = { ...env, JANKINS_CA: '/ca' }
  t.match(
    await findTrust(byCa, here),
    { fingerprint: undefined, caFile: '/ca', certFile: '/c' },
    'apart from the own one',
  )
  t.match(await findTrust(byCa, here, { plaintext: true }), {
    plaintext: true,
    caFile: undefined,
    fingerprint: undefined,
  })
  const byOther = { ...env, JANKINS_CERT: '/d', JANKINS_KEY: '/l' }
  t.match(await findTrust(byOther, here), { fingerprint: FINGERPRINT, certFile: '/d', keyFile: '/l', user: undefined })
  t.match(await findTrust({ ...env, JANKINS_PLAINTEXT: '0' }, there), { plaintext: undefined })
})

t.test('where to log in is a host, a user, or both', async t => {
  const cases: [string, ReturnType<typeof readLoginTarget> | Record<string, unknown>][] = [
    ['ada', { user: 'ada' }],
    ['ci.example', { address: here }],
    ['ci:1', { address: { host: 'ci', port: 1 } }],
    ['localhost', { address: { host: 'localhost', port: 5_265 } }],
    ['[::1]', { address: { host: '::1', port: 5_265 } }],
    ['ada@ci', { user: 'ada', address: { host: 'ci', port: 5_265 } }],
    ['a@b.example@ci.example', { user: 'a@b.example', address: here }],
    ...['', 'a b', '@ci', 'ada@', 'a b@ci', 'ci:99999'].map(text => [text, undefined] as [string, undefined]),
  ]
  for (const [text, target] of cases) t.strictSame(readLoginTarget(text), target, text)
})
