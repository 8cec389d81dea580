import t from 'tap'
import type { Clock } from '../../lib/base/clock.js'
import { systemClock } from '../../lib/base/clock.js'
import type { Address, Dial } from '../../lib/base/wire.js'
import { startDaemonInProcess } from '../helpers/daemon.js'
import { startBench, tempDir } from '../helpers/worker-bench.js'

t.test('a worker of two servers runs the jobs of both, and more of the one with more weight', async t => {
  const bench = await startBench(t)
  const other = await startDaemonInProcess<Clock>(t, { clock: systemClock, dataDir: await tempDir(t) })
  const otherAdmin = await other.client('admin')
  const [own, second] = [
    { host: 'first', port: 1 },
    { host: 'second', port: 2 },
  ]
  const dial: Dial = (address: Address) => (address.host === 'first' ? bench.daemon.dial(address) : other.dial(address))
  const order: string[] = []
  const command = ['sleep', '0.1']
  for (let index = 0; index < 12; index++) {
    await bench.exec({ command })
    await otherAdmin.call('job.exec', { command, key: `other-key-${index}` })
  }
  const working = await bench.work({
    dial: async address => dial(address),
    mode: { kind: 'loop' },
    servers: [
      { address: own, login: await bench.daemon.login('worker'), weight: 1 },
      { address: second, login: await other.login('worker'), weight: 3 },
    ],
    log: {
      ...{ debug() {}, warn() {}, error() {} },
      info: (message, facts) => void (message === 'job ended' && order.push(String(facts?.server))),
    },
  })
  for (let job = 1; job <= 12; job++) await otherAdmin.call('job.wait', { job: job as never, waitMs: 60_000 })
  const ownFirst = order.slice(0, order.lastIndexOf('second:2')).filter(server => server === 'first:1').length
  // By time spent: how many that is depends on how long each took. test/worker/pure.test.ts has the exact shares.
  t.ok(ownFirst >= 1 && ownFirst < 12, `${ownFirst} jobs of the lighter server ran beside 12 of the heavier`)
  working.drain()
  await working.result
})

t.test('a server that cannot be reached does not keep a worker from the others', async t => {
  const bench = await startBench(t)
  const login = await bench.daemon.login('worker')
  const dial: Dial = address =>
    address.host === 'dead'
      ? Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))
      : bench.daemon.dial(address)
  const servers = [
    { address: { host: 'dead', port: 1 }, login, weight: 1 },
    { address: bench.daemon.address, login, weight: 1 },
  ]
  const job = await bench.exec({ command: ['true'] })
  const working = await bench.work({ dial, servers, mode: { kind: 'loop' } })
  t.match(await bench.ended(job), { state: 'COMPLETE' })
  working.drain()
  await working.result
  const once = await bench.work({ dial, servers: servers.slice(0, 1), mode: { kind: 'once', wait: true } })
  t.match(await once.result, { kind: 'refused', error: { name: 'ConnectionLostError' } })
})

t.test('a worker whose account the server refuses gives up', async t => {
  const bench = await startBench(t)
  const login = await bench.daemon.login('user')
  const servers = [{ address: bench.daemon.address, login, weight: 1 }]
  const { result } = await bench.work({ servers, mode: { kind: 'loop' } })
  t.match(await result, { kind: 'refused', error: { code: 'E_FORBIDDEN' } })
})

t.test('two workers cannot share a state directory', async t => {
  const bench = await startBench(t)
  const working = await bench.work({ mode: { kind: 'loop' } })
  await t.rejects(bench.work(), { name: 'StateDirectoryBusyError' })
  working.drain()
  await working.result
})

t.test('only workers with the labels of a job get it', async t => {
  const bench = await startBench(t)
  const job = await bench.exec({ command: ['true'], labels: ['gpu' as never] })
  const plain = await bench.work({ mode: { kind: 'once', wait: false } })
  t.strictSame(await plain.result, { kind: 'done', ranJob: false })
  const able = await bench.work({ mode: { kind: 'once', wait: false }, labels: ['gpu' as never, 'big' as never] })
  t.strictSame(await able.result, { kind: 'done', ranJob: true })
  t.match(await bench.ended(job), { state: 'COMPLETE' })
})
