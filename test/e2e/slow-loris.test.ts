import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { Address } from '../../lib/base/wire.js'
import { LIMITS } from '../../protocol/limits.js'
import { credentialOf, deriveKeys } from '../../protocol/scram.js'
import { connectionsThatFit } from '../helpers/open-files.js'
import { connectAs, startDaemon } from '../helpers/processes.js'
import { nameOf } from '../helpers/worker-bench.js'

const WANTED_CONNECTIONS = 2_000
const ROUNDS = 20
const DRIP_MS = 500

t.test('2,000 connections that are silent or drip do not keep a real client from its answer', async t => {
  const count = connectionsThatFit(t, WANTED_CONNECTIONS)
  const daemon = await startDaemon(t)
  const client = await daemon.connect()
  const salt = Buffer.alloc(16, 'slow loris')
  const iterations = LIMITS.scramIterationsMin.value
  const keys = await deriveKeys('password', salt, iterations)
  await client.call('user.add', { user: nameOf('ada'), role: 'user', ...credentialOf(keys, salt, iterations) })
  // Keys, as a login keeps them: this process besieges, too, and has 5 s for each login.
  const login = { user: nameOf('ada'), salt, iterations, keys }
  const siege = besiege(t, daemon.address, count)
  let most = 0
  while (most < count / 2) most = Math.max(most, (await client.call('server.status', {})).connections)
  let worstMs = 0
  let worstLoginMs = 0
  for (let round = 0; round < ROUNDS; round++) {
    const startedAtMs = performance.now()
    const { connections } = await client.call('server.status', {})
    most = Math.max(most, connections)
    worstMs = Math.max(worstMs, performance.now() - startedAtMs)
    const loginAtMs = performance.now()
    const another = await connectAs(daemon.address, login)
    await another.call('job.query', {})
    another.destroy()
    worstLoginMs = Math.max(worstLoginMs, performance.now() - loginAtMs)
  }
  t.comment(`${most} connections at once, ${siege.closedCount()} were cut off`)
  t.comment(`worst answer ${Math.round(worstMs)} ms, worst login and answer ${Math.round(worstLoginMs)} ms`)
  siege.end()
  while ((await client.call('server.status', {})).connections > 1);
  t.equal((await client.call('server.status', {})).connections, 1, 'and nothing of them is left')
})

/** Keeps `count` connections open: half of them say nothing, half a byte of a frame now and then. */
function besiege(t: Test, { host, port }: Address, count: number): { closedCount(): number; end(): void } {
  const sockets = new Set<Socket>()
  let closed = 0
  let isOver = false
  const open = (drips: boolean): void => {
    if (isOver) return
    const socket = connect({ host, port })
    sockets.add(socket)
    socket.on('error', () => {})
    // A header that announces 4,096 bytes, which never come.
    if (drips) socket.write(Buffer.from([0, 0, 0x10, 0]))
    const drip = drips ? setInterval(() => socket.write('x'), DRIP_MS) : undefined
    socket.on('close', () => {
      clearInterval(drip)
      sockets.delete(socket)
      closed++
      open(drips)
    })
  }
  const end = (): void => {
    isOver = true
    for (const socket of sockets) socket.destroy()
  }
  t.teardown(end)
  for (let at = 0; at < count; at++) open(at % 2 === 0)
  return { closedCount: () => closed, end }
}
