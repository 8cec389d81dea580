import t from 'tap'
import { hostOf, isLoopback, networkOf } from '../../lib/server/network.js'

t.test('an IPv4 address is one, an IPv6 address stands for its network', async t => {
  const cases = [
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
  ] as const
  for (const [address, network] of cases) t.equal(networkOf(address), network, address)
})

t.test('the host of an address is what stands before its port', async t => {
  t.equal(hostOf('10.1.2.3:80'), '10.1.2.3')
  t.equal(hostOf('::1:80'), '::1')
  t.equal(hostOf('?'), '')
})

t.test('loopback is what never leaves the machine', async t => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) t.ok(isLoopback(address), address)
  for (const address of ['128.0.0.1', '10.127.0.1', '::2', '::', '::ffff:10.0.0.1', 'fe80::1', '', '127.evil.example'])
    t.notOk(isLoopback(address), address)
})
