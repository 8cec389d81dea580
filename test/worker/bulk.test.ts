import t from 'tap'
import type { Client } from '../../lib/client/connection.js'
import { createBulk } from '../../lib/worker/bulk.js'
import type { LeaseHolder } from '../../lib/worker/link.js'
import { FakeClock } from '../helpers/clock.js'

const holder = { job: 1, lease: 'l' } as unknown as LeaseHolder

t.test('the connection for bulk bytes is closed when nothing is under way, and not before', async t => {
  const clock = new FakeClock()
  let end: () => void = () => {}
  const closed = new Promise<void>(resolve => {
    end = resolve
  })
  const client = { openCount: 0, closeCount: 0, call: async () => ({}), close: () => client.closeCount++, closed }
  const bulk = createBulk(async () => client as unknown as Client, clock)
  await bulk.client(holder)
  client.openCount = 1
  await clock.advance(60_000)
  t.equal(client.closeCount, 0, 'a chunk is on its way')
  client.openCount = 0
  await clock.advance(5_000)
  t.equal(client.closeCount, 1)
  end()
  await clock.advance(0)
  t.equal(clock.pendingCount, 0)
})
