import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import t from 'tap'
import type { Client } from '../../lib/client/connection.js'
import { parseClaimId, parseInstanceId, parseName } from '../../protocol/ids.js'
import { startDaemon } from '../helpers/processes.js'

const id = (): string => randomBytes(16).toString('hex')

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  t.test(`${signal} answers what is parked and ends with status 0`, async t => {
    const daemon = await startDaemon(t)
    const client = await daemon.connect()
    const { answer } = await parkedClaim(client)
    const ended = await daemon.stop(signal)
    t.equal(ended.code, 0, ended.stderr)
    t.equal(ended.signal, null)
    t.notMatch(ended.stderr, 'still in hand')
    t.ok(['no job', 'E_DRAINING'].includes(await answer))
  })

t.test('a stop without any connection ends at once with status 0', async t => {
  const daemon = await startDaemon(t)
  t.equal((await daemon.stop()).code, 0)
})

t.test('peers that neither speak nor close do not hold up the stop', async t => {
  const daemon = await startDaemon(t)
  const client = await daemon.connect()
  for (let i = 0; i < 3; i++) {
    const socket = connect({ ...daemon.address, allowHalfOpen: true }).on('error', () => {})
    t.teardown(() => socket.destroy())
  }
  for (;;) if ((await client.call('server.status', {})).connections === 4) break
  const { code, stderr } = await daemon.stop()
  t.equal(code, 0)
  t.notMatch(stderr, 'still in hand')
})

t.test('a stop works with a thread for each connection, too', async t => {
  const daemon = await startDaemon(t, { args: ['--threads', 'per-connection'] })
  const client = await daemon.connect()
  const { answer } = await parkedClaim(client)
  t.equal((await daemon.stop()).code, 0)
  t.ok(['no job', 'E_DRAINING'].includes(await answer))
})

/** Parks a claim and makes sure that it is: the daemon counts it. */
async function parkedClaim(client: Client): Promise<{ answer: Promise<string> }> {
  const worker = { worker: parseName('w')!, instance: parseInstanceId(id())!, labels: [], slots: 1, version: 'test' }
  await client.call('worker.attach', worker)
  await client.call('worker.beat', { leases: [], free: 1, load: 0 })
  const answer = client.call('job.claim', { claim: parseClaimId(id())!, waitMs: 60_000 }).then(
    ({ grant }) => (grant ? 'a job' : 'no job'),
    (error: { code: string }) => error.code,
  )
  for (;;) if ((await client.call('server.status', {})).claimsParked > 0) return { answer }
}
