import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import type { Client } from '../../lib/client/connection.js'
import type { Role } from '../../protocol/fields.js'
import { parseName } from '../../protocol/ids.js'
import { credentialOf, deriveKeys } from '../../protocol/scram.js'
import { startDaemon } from '../helpers/processes.js'

const SCRIPT = 'test/interop/run_a_job.py'
const LINES = 3_000
/** Not in the form that is hashed: the client has to bring it there. */
const PASSWORD = 'pa\u0308sswo\u0308rd'
const hasPython = spawnSync('python3', ['-c', '']).status === 0

t.test(
  'a client in another language, written from PROTOCOL.md, queues a job, runs it and reads its log',
  { skip: hasPython ? false : 'PYTHON3 IS MISSING: no second client proves PROTOCOL.md' },
  async t => {
    const daemon = await startDaemon(t)
    const admin = await daemon.connect()
    await addUser(admin, 'ada', 'user')
    await addUser(admin, 'box', 'worker')
    const command = ['sh', '-c', `i=0; while [ $i -lt ${LINES} ]; do echo "hello $WHO $i"; i=$((i+1)); done; exit 3`]
    await admin.call('action.add', { action: parseName('greet')!, command, labels: [parseName('snake')!] })

    const { host, port } = daemon.address
    const args = ['-B', SCRIPT, host, String(port), 'ada', PASSWORD, 'box', PASSWORD]
    const { stdout } = await promisify(execFile)('python3', args)
    const told = JSON.parse(stdout)
    const log = Array.from({ length: LINES }, (_, i) => `hello python ${i}\n`).join('')
    t.match(told, { role: 'user', state: 'COMPLETE', exitCode: 3, worker: 'python', shipped: log, log })
    t.equal(told.queued[0], told.queued[1], 'the same key made no second job')
    t.strictSame(told.refused, ['E_FORBIDDEN', 'E_UNKNOWN_METHOD', 'E_BAD_REQUEST', 'E_JOB_NOT_FOUND', 'E_LEASE_LOST'])

    const { jobs } = await admin.call('job.query', {})
    t.match(jobs, [{ job: told.queued[0], state: 'COMPLETE', exitCode: 3, user: 'ada', workerUser: 'box', attempt: 1 }])
    const tail = { job: jobs[0]!.job, stream: 'stderr', offset: 0, bytesMax: 100 } as const
    t.equal(String((await admin.call('job.log', tail)).chunks[0]?.data), 'tail')
  },
)

t.test(
  'a wrong password is refused to that client as to any other',
  { skip: hasPython ? false : 'PYTHON3 IS MISSING' },
  async t => {
    const daemon = await startDaemon(t)
    const { host, port } = daemon.address
    const args = ['-B', SCRIPT, host, String(port), 'admin', 'wrong', 'box', PASSWORD]
    await t.rejects(promisify(execFile)('python3', args), /E_AUTH/)
  },
)

async function addUser(admin: Client, user: string, role: Role): Promise<void> {
  const salt = Buffer.alloc(16, user)
  const iterations = 4_096
  const { storedKey, serverKey } = credentialOf(await deriveKeys(PASSWORD, salt, iterations), salt, iterations)
  await admin.call('user.add', { user: parseName(user)!, role, salt, iterations, storedKey, serverKey })
}
