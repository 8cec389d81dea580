import t from 'tap'
import { METHODS, type Method } from '../../../protocol/methods.js'
import type { Schema } from '../../../protocol/schema.js'
import { startDaemonInProcess } from '../../helpers/daemon.js'
import { attachParams, EMPTY, name, newClaim, newKey, runJob } from './running.js'

t.test('a worker that knows the lease of another one can do nothing with it', async t => {
  const daemon = await startDaemonInProcess(t)
  const { admin, held, worker, job } = await runJob(daemon)
  await admin.call('job.queue', { action: name('build'), key: newKey() })
  const { grant } = await worker.call('job.claim', { claim: newClaim(), waitMs: 0 })
  const offered = { job: grant!.job, lease: grant!.lease }
  const other = await daemon.client('worker')
  await other.call('worker.attach', attachParams('thief'))
  const data = Buffer.from('x')
  /** Every method that names a lease. */
  const attempts = {
    'job.acknowledge': offered,
    'job.decline': offered,
    'job.resume': held,
    'job.started': { ...held, pid: 7 },
    'job.append': { ...held, part: 'stdout', offset: 0, data },
    'job.finish': { ...held, exitCode: 0, stdout: EMPTY, stderr: EMPTY },
    'bundle.read': { ...held, offset: 0, bytesMax: 1 },
  }
  const named = Object.entries(METHODS).filter(([, { params }]) =>
    fieldsOf(params).some(([field]) => field === 'lease'),
  )
  t.strictSame(new Set(Object.keys(attempts)), new Set(named.map(([method]) => method)), 'the table here is whole')
  for (const [method, params] of Object.entries(attempts))
    await t.rejects(other.call(method as Method, params as never), { code: 'E_LEASE_LOST' }, method)
  t.match(await other.call('worker.beat', { leases: [held.lease], free: 1, load: 0 }), { lost: [held.lease] })
  t.match((await admin.call('job.query', { jobs: [job] })).jobs, [{ state: 'RUNNING', worker: 'box', logBytes: 0 }])
})

t.test('what the daemon makes the names of files of is a number, a choice or hex digits, never free text', async t => {
  const free = new Set(Object.values(METHODS).flatMap(({ params }) => freeTexts(params, '')))
  /** For the job's own machine, for people, or a key of a table. */
  t.strictSame([...free].sort(), [
    'artifacts',
    'client',
    'command',
    'dir',
    'environment',
    'parameters',
    'script',
    'text',
    'version',
  ])
})

const fieldsOf = ({ shape }: Schema<unknown>): [string, Schema<unknown>][] =>
  shape.kind === 'obj' ? Object.entries(shape.fields) : []

/** Names of the fields that hold text of any form. */
function freeTexts({ shape }: Schema<unknown>, field: string): string[] {
  switch (shape.kind) {
    case 'text':
      return shape.parse ? [] : [field]
    case 'list':
      return freeTexts(shape.of, field)
    case 'pair':
      return [...freeTexts(shape.first, field), ...freeTexts(shape.second, field)]
    case 'obj':
      return Object.entries(shape.fields).flatMap(([name, schema]) => freeTexts(schema, name))
    default:
      return []
  }
}
