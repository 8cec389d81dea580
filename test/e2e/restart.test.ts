import { setMaxListeners } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { sleep, systemClock } from '../../lib/base/clock.js'
import { silentLog } from '../../lib/base/log.js'
import type { Address } from '../../lib/base/wire.js'
import type { Login } from '../../lib/client/authenticate.js'
import type { Client } from '../../lib/client/connection.js'
import { dialTcp } from '../../lib/client/tcp.js'
import { openMachine } from '../../lib/worker/machine/linux.js'
import { runWorker } from '../../lib/worker/worker.js'
import { LIMITS } from '../../protocol/limits.js'
import { credentialOf, deriveKeys } from '../../protocol/scram.js'
import type { WorkerView } from '../../protocol/views.js'
import { quietPort } from '../helpers/ports.js'
import { type DaemonProcess, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { nameOf, until } from '../helpers/worker-bench.js'

const WORKERS = 50

/** Their jobs are processes of this machine; the workers themselves share this process, or it would be too small. */
async function startWorkers(t: Test, address: Address, login: Login): Promise<() => Promise<void>> {
  const drain = new AbortController()
  const stop = new AbortController()
  setMaxListeners(0, drain.signal, stop.signal)
  const machines = await Promise.all(
    Array.from({ length: WORKERS }, () =>
      openMachine({ stateDir: join(temporaryDirectory(t), 'state'), clock: systemClock }),
    ),
  )
  const results = machines.map((machine, index) =>
    runWorker({
      servers: [{ address, login, weight: 1 }],
      ...{ name: nameOf(`box-${index}`), labels: [], slots: 1, mode: { kind: 'loop' }, machine },
      ...{ dial: dialTcp, clock: systemClock, log: silentLog, environment: process.env },
      ...{ drain: drain.signal, stop: stop.signal },
    }).finally(() => machine.release()),
  )
  return async () => {
    drain.abort()
    stop.abort()
    await Promise.all(results)
  }
}

const workersOf = async (admin: Client): Promise<readonly WorkerView[]> =>
  (await admin.call('worker.list', { limit: LIMITS.pageRowsMax.value })).workers

const allHold = async (admin: Client): Promise<boolean> => {
  const workers = await workersOf(admin)
  return workers.length === WORKERS && workers.every(({ jobs, liveness }) => jobs.length === 1 && liveness === 'alive')
}

t.test('workers resume their jobs soon after a daemon is back, however it ended and however long', async t => {
  let daemon: DaemonProcess = await startDaemon(t, { args: ['--port', String(await quietPort())] })
  const { address, dataDir } = daemon
  const first = await daemon.connect()
  const salt = Buffer.alloc(16, 'restart')
  const iterations = LIMITS.scramIterationsMin.value
  const keys = await deriveKeys('worker password', salt, iterations)
  const credential = credentialOf(keys, salt, iterations)
  await first.call('user.add', { user: nameOf('builder'), role: 'worker', ...credential })
  await first.call('action.add', { action: nameOf('sleeper'), command: ['sleep', '600'], graceMs: 0 })
  const { jobs } = await first.call('job.queue', { action: nameOf('sleeper'), key: 'sleepers', count: WORKERS })
  const endWorkers = await startWorkers(t, address, { user: nameOf('builder'), salt, iterations, keys })
  await until('every worker has a job', () => allHold(first))

  for (const { signal, awayMs } of [
    { signal: 'SIGKILL', awayMs: 0 },
    { signal: 'SIGTERM', awayMs: 0 },
    { signal: 'SIGKILL', awayMs: 6_000 },
  ] as const) {
    await daemon.stop(signal)
    await sleep(systemClock, awayMs)
    daemon = await startDaemon(t, { dataDir, args: ['--port', String(address.port)] })
    const listenedAtMs = systemClock.monotonicMs()
    const admin = await daemon.connect()
    await until('every worker has resumed its job', () => allHold(admin))
    const resumedMs = Math.round(systemClock.monotonicMs() - listenedAtMs)
    t.comment(`${signal}, away for ${awayMs} ms: ${WORKERS} workers resumed within ${resumedMs} ms`)
    const running = await admin.call('job.query', { state: 'RUNNING', limit: 100 })
    t.strictSame(
      running.jobs.map(({ job, attempt }) => `${job} ${attempt}`).sort(),
      jobs.map(job => `${job} 1`).sort(),
      'the same attempts of the same jobs',
    )
  }
  await endWorkers()
})
