import t from 'tap'
import type { Dial, Wire } from '../../lib/base/wire.js'
import { ConnectionLostError } from '../../lib/client/connection.js'
import { connectResilient, startResilient } from '../../lib/client/resilient.js'
import { JankinsError } from '../../protocol/errors.js'
import { encodeFrame } from '../../protocol/frame.js'
import type { JobId, Name } from '../../protocol/ids.js'
import { encodeErrorReply, encodeReply } from '../../protocol/message.js'
import { FakeClock, settle } from '../helpers/clock.js'
import { startDaemonInProcess } from '../helpers/daemon.js'
import { readyDial, scriptedDial, scriptedLogin, statusReply } from './scripted.js'

const address = { host: 'memory', port: 1 }

/** Lets a promise settle however often the clock must be moved for it. */
async function moving<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let isOver: boolean = false
  promise.catch(() => {}).finally(() => (isOver = true))
  while (!isOver) await clock.advance(100)
  return promise
}

t.test('jobs whose reply was lost are made once', async t => {
  const daemon = await startDaemonInProcess(t)
  const login = await daemon.login('admin')
  let dials = 0
  const dial: Dial = async to => {
    const wire = await daemon.dial(to)
    return ++dials === 1 ? losingReplies(wire, 'job.queue') : wire
  }
  const lost: Error[] = []
  const { clock } = daemon
  const client = await connectResilient({ dial, address, login, clock, onLost: error => lost.push(error) })
  await client.call('action.add', { action: 'a' as Name, command: ['true'] })
  const queued = await moving(
    clock,
    client.call('job.queue', { action: 'a' as Name, key: 'key of the test', count: 2 }),
  )
  t.equal(dials, 2)
  t.match(lost, [{ name: 'ConnectionLostError' }])
  const { jobs } = await client.call('job.query', {})
  t.strictSame(jobs.map(({ job }) => job).reverse(), queued.jobs, 'no job was made twice')
  client.close()
  await settle()
})

t.test('calls that lost the same connection share the next one', async t => {
  const clock = new FakeClock()
  let dials = 0
  const dial = readyDialCounting((message, far) => {
    if (dials === 1) far.destroy()
    else far.write(encodeFrame(encodeReply(message.id, statusReply)))
  })
  const client = await connectResilient({ dial, address, login: scriptedLogin, clock })
  const calls = Array.from({ length: 5 }, () => client.call('server.status', {}))
  t.equal((await moving(clock, Promise.all(calls))).length, 5)
  t.equal(dials, 2)
  client.close()

  function readyDialCounting(answer: (message: { id: number }, far: Wire) => void): Dial {
    const dial = readyDial((message, far) => message.kind === 'request' && answer(message, far))
    return to => {
      dials++
      return dial(to)
    }
  }
})

t.test('a daemon that does not come back is given up after a bounded time', async t => {
  const clock = new FakeClock()
  let dials = 0
  const ready = readyDial((_message, far) => far.destroy())
  const dial: Dial = to => {
    if (++dials === 1) return ready(to)
    return Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))
  }
  const client = await connectResilient({ dial, address, login: scriptedLogin, clock, retryMs: 20_000 })
  const startedAtMs = clock.monotonicMs()
  await t.rejects(moving(clock, client.call('server.status', {})), ConnectionLostError)
  t.ok(clock.monotonicMs() - startedAtMs <= 20_100)
  t.ok(dials > 5)
  client.close()
  t.equal(clock.pendingCount, 0)
})

t.test('a daemon that falls silent counts as lost', async t => {
  const clock = new FakeClock()
  let dials = 0
  const ready = readyDial((message, far) => {
    if (message.kind === 'request' && dials === 2) far.write(encodeFrame(encodeReply(message.id, statusReply)))
  })
  const dial: Dial = to => {
    dials++
    return ready(to)
  }
  const client = await connectResilient({ dial, address, login: scriptedLogin, clock })
  t.match(await moving(clock, client.call('server.status', {})), { version: '1' })
  t.equal(dials, 2)
  client.close()
})

t.test('an answer that comes slowly is waited for as long as something comes', async t => {
  const clock = new FakeClock()
  let dials = 0
  const ready = readyDial((message, far) => {
    if (message.kind !== 'request') return
    const frame = encodeFrame(encodeReply(message.id, statusReply))
    far.write(frame.subarray(0, 10))
    clock.after(25_000, () => far.write(frame.subarray(10, 20)))
    clock.after(50_000, () => far.write(frame.subarray(20)))
  })
  const dial: Dial = to => {
    dials++
    return ready(to)
  }
  const client = await connectResilient({ dial, address, login: scriptedLogin, clock })
  t.match(await moving(clock, client.call('server.status', {})), { version: '1' })
  t.equal(dials, 1)
  client.close()
  t.equal(clock.pendingCount, 0)
})

t.test('errors that pass are tried again, others are not', async t => {
  const clock = new FakeClock()
  const answers: JankinsError[] = []
  const dial = readyDial((message, far) => {
    if (message.kind !== 'request') return
    const error = answers.shift()
    far.write(encodeFrame(error ? encodeErrorReply(message.id, error) : encodeReply(message.id, statusReply)))
  })
  const client = await connectResilient({ dial, address, login: scriptedLogin, clock, busyMs: 5_000 })
  answers.push(new JankinsError('E_BUSY'), new JankinsError('E_TOO_MANY'), new JankinsError('E_DRAINING'))
  t.match(await moving(clock, client.call('server.status', {})), { version: '1' })
  for (const code of ['E_STORE_FULL', 'E_JOB_NOT_FOUND'] as const) {
    answers.push(new JankinsError(code))
    await t.rejects(client.call('job.wait', { job: 1 as JobId, waitMs: 0 }), { code })
  }
  answers.push(...Array.from({ length: 1_000 }, () => new JankinsError('E_BUSY')))
  await t.rejects(moving(clock, client.call('server.status', {})), { code: 'E_BUSY' }, 'within a bounded time')
  client.close()
})

t.test('a daemon that stops is waited for as one that is away', async t => {
  const clock = new FakeClock()
  const startedAtMs = clock.monotonicMs()
  const dial = readyDial((message, far) => {
    if (message.kind !== 'request') return
    const isBack = clock.monotonicMs() - startedAtMs > 30_000
    far.write(
      encodeFrame(
        isBack ? encodeReply(message.id, statusReply) : encodeErrorReply(message.id, new JankinsError('E_DRAINING')),
      ),
    )
  })
  const client = await connectResilient({ dial, address, login: scriptedLogin, clock, retryMs: 60_000, busyMs: 5_000 })
  t.match(await moving(clock, client.call('server.status', {})), { version: '1' })
  client.close()
})

t.test('each try dials anew instead of looking at what an earlier dial met', async t => {
  const clock = new FakeClock()
  const ready = readyDial((message, far) => {
    if (message.kind === 'request') far.write(encodeFrame(encodeReply(message.id, statusReply)))
  })
  const breaking = readyDial((_message, far) => far.destroy())
  const dialsAtMs: number[] = []
  let isAway: boolean = false
  const dial: Dial = to => {
    if (dialsAtMs.length === 0) isAway = true
    else if (isAway) return Promise.reject(new Error('refused'))
    dialsAtMs.push(clock.monotonicMs())
    return dialsAtMs.length === 1 ? breaking(to) : ready(to)
  }
  const client = await connectResilient({ dial, address, login: scriptedLogin, clock })
  const status = client.call('server.status', {})
  await clock.advance(10_000)
  isAway = false
  const backAtMs = clock.monotonicMs()
  await moving(clock, status)
  t.ok(clock.monotonicMs() - backAtMs <= 2_100, 'the first try after it is back gets through')
  t.ok((dialsAtMs[1] ?? 0) >= backAtMs)
  client.close()
})

t.test('a parked request outlasts more than one daemon', async t => {
  const clock = new FakeClock()
  let parked = 0
  const dial = readyDial((message, far) => {
    if (message.kind !== 'request') return
    if (++parked === 4) far.write(encodeFrame(encodeErrorReply(message.id, new JankinsError('E_JOB_NOT_FOUND'))))
    else clock.after(8_000, () => far.destroy())
  })
  const client = await connectResilient({ dial, address, login: scriptedLogin, clock, retryMs: 10_000 })
  const wait = client.call('job.wait', { job: 1 as JobId, waitMs: 10_000 }, { waitMs: 10_000 })
  await t.rejects(moving(clock, wait), { code: 'E_JOB_NOT_FOUND' })
  t.equal(parked, 4)
  client.close()
})

t.test('the first connection is tried once', async t => {
  let dials = 0
  const dial: Dial = () => {
    dials++
    return Promise.reject(new Error('refused'))
  }
  await t.rejects(
    connectResilient({ dial, address, login: scriptedLogin, clock: new FakeClock() }),
    ConnectionLostError,
  )
  t.equal(dials, 1)
})

t.test('a first connection that was taken and lost is tried again, for a bounded time', async t => {
  const clock = new FakeClock()
  const ending: Dial = scriptedDial((_message, far) => far.destroy())
  const ready = readyDial((message, far) => {
    if (message.kind === 'request') far.write(encodeFrame(encodeReply(message.id, statusReply)))
  })
  let dials = 0
  const dial: Dial = to => (++dials === 1 ? ending(to) : ready(to))
  const client = startResilient({ dial, address, login: scriptedLogin, clock })
  t.match(await moving(clock, client.call('server.status', {})), { version: '1' })
  t.equal(dials, 2)
  client.close()

  const lost = startResilient({ dial: ending, address, login: scriptedLogin, clock, firstMs: 5_000 })
  const startedAtMs = clock.monotonicMs()
  await t.rejects(moving(clock, lost.call('server.status', {})), ConnectionLostError)
  t.ok(clock.monotonicMs() - startedAtMs <= 5_100)
  lost.close()
})

/** Breaks instead of handing out the first bytes that come after a request of this method was sent. */
function losingReplies(wire: Wire, method: string): Wire {
  let isLosing: boolean = false
  return {
    ...{ pause: () => wire.pause(), resume: () => wire.resume(), end: () => wire.end(), destroy: () => wire.destroy() },
    write(bytes) {
      isLosing ||= Buffer.from(bytes).includes(method)
      return wire.write(bytes)
    },
    listen: handlers =>
      wire.listen({ ...handlers, onData: bytes => (isLosing ? wire.destroy() : handlers.onData(bytes)) }),
  }
}
