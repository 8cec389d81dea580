import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { openAuditLog } from '../../audit/audit-log.js'
import { systemClock } from '../../base/clock.js'
import { recordLog, stackOf } from '../../base/log.js'
import { openBlobs } from '../../blobs/open.js'
import { createRemoval } from '../../blobs/removal.js'
import { openBackupLock } from '../../store/backup-lock.js'
import { openStore } from '../../store/open.js'
import type { Store } from '../../store/store.js'
import { sharedLogLevel } from '../log-level.js'
import { sharedMetrics } from '../metrics/metrics.js'
import type { FromWriterThread, ToWriterThread, WriterThreadData } from '../ports.js'
import { createRoom } from '../room.js'
import { createLeaseSlots, createWorkerSlots } from '../shared-slots.js'
import { createWriter } from './create.js'
import { serveWriter } from './port.js'
import { cutUnsafeLogs } from './power-loss.js'
import { startRetention } from './retention.js'
import { watchRoom } from './watch-room.js'
import type { ConnectionId } from './writer.js'

/** The one thread that writes. An error that escapes here ends it, and the main thread ends the process for it. */
const {
  dataDir,
  reserveBytes,
  leaseSlots: leaseBuffer,
  workerSlots: workerBuffer,
  daemon,
  logLevel,
  retention: retentionConfig,
  metrics: metricsBuffer,
} = workerData as WriterThreadData
const main = parentPort!
const tell = (message: FromWriterThread): void => main.postMessage(message)
const log = recordLog(sharedLogLevel(logLevel), record => tell({ kind: 'logs', logs: [record] }))
const leaseSlots = createLeaseSlots(leaseBuffer)
const metrics = sharedMetrics(metricsBuffer)

const room = createRoom(dataDir, reserveBytes, systemClock)
// On a full disk the database cannot even be opened.
if (room.isShort()) room.release()
const audit = openAuditLog(dataDir, systemClock, log)
const store = opened()
if (store) void serve(store)

async function serve(store: Store): Promise<void> {
  const blobs = openBlobs(dataDir)
  await cutUnsafeLogs({ dataDir, store, blobs, log })
  const writer = await createWriter({
    store,
    leaseSlots,
    workerSlots: createWorkerSlots(workerBuffer),
    clock: systemClock,
    log,
    metrics,
    daemon,
    audit,
    endParts: (job, attempt) => blobs.endParts({ job, attempt }),
  })
  const removal = createRemoval(dataDir)
  const backupLock = openBackupLock(dataDir)
  const retention = startRetention({ store, removal, backupLock, clock: systemClock, log }, retentionConfig)
  /** What is to be done once nothing more comes through a port. */
  const closing = new Map<number, Promise<void>>()

  const link = (id: number, port: MessagePort): void => {
    closing.set(id, new Promise(resolve => port.once('close', resolve)))
    serveWriter(port, writer, log)
  }
  const bury = async (id: number, connections: readonly ConnectionId[]): Promise<void> => {
    // What the dead thread had posted comes first: an attachment made after its end would stay for ever.
    await closing.get(id)
    closing.delete(id)
    await Promise.all(connections.map(connection => writer.connectionClosed(connection)))
    const dead = new Set(connections)
    if (dead.size > 0) leaseSlots.breakLocks(connection => dead.has(connection))
  }
  main.on('message', (message: ToWriterThread) => {
    switch (message.kind) {
      case 'link':
        link(message.link, message.port)
        break
      case 'died':
        void bury(message.link, message.connections)
        break
      case 'ping':
        void writer.counters().then(counters => tell({ kind: 'pong', counters }))
        break
      case 'retention':
        retention.configure(message.retention)
        break
      case 'stop':
        retention.stop()
        writer.stop()
        void blobs.close().then(() => {
          store.close()
          audit.close()
          process.exit(0)
        })
    }
  })
  tell({ kind: 'up' })
  watchRoom(room, systemClock, log)
}

function opened(): Store | undefined {
  let commitAtMs = 0
  try {
    return openStore(dataDir, log, {
      makeRoom: () => room.release(),
      beforeCommit() {
        commitAtMs = systemClock.monotonicMs()
        audit.write()
      },
      afterCommit: () => metrics.observe('commit', systemClock.monotonicMs() - commitAtMs),
    })
  } catch (error) {
    tell({
      kind: 'refused',
      message: error instanceof Error ? error.message : String(error),
      stack: stackOf(error),
    })
    return undefined
  }
}
