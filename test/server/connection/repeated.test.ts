import { createHash, randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Dial, Wire } from '../../../lib/base/wire.js'
import { type Client, ConnectionLostError, connect } from '../../../lib/client/connection.js'
import type { ClaimId, InviteId, JobId, LeaseId, Sha256 } from '../../../protocol/ids.js'
import { HEARTBEAT_MS, LIMITS } from '../../../protocol/limits.js'
import { METHODS, type Method } from '../../../protocol/methods.js'
import { type KeyLogin, startDaemonInProcess, type TestDaemon } from '../../helpers/daemon.js'
import { dumpDatabase } from '../../helpers/dump.js'
import { attachParams, EMPTY, hex32, name, newKey, streamOf } from './running.js'

/** What changes nothing that anybody could notice twice: reads, waits, and the two steps of the authentication. */
const READS: ReadonlySet<Method> = new Set([
  'auth.start',
  'auth.finish',
  'user.list',
  'invite.list',
  'action.compare',
  'action.list',
  'secret.list',
  'action.show',
  'bundle.read',
  'artifact.read',
  'job.query',
  'job.show',
  'job.why',
  'job.wait',
  'job.log',
  'worker.list',
  'worker.beat',
  'server.status',
])

/** What a case finds: a PENDING job, one that ended, and one that `worker` holds. */
interface Scene {
  readonly daemon: TestDaemon
  readonly admin: KeyLogin
  readonly invite: InviteId
  readonly ended: JobId
  readonly pending: JobId
  readonly held: { readonly job: JobId; readonly lease: string }
  /** An offer that waits for its acknowledgement; the job is `pending`. */
  readonly offered: { readonly job: JobId; readonly lease: string }
}

/** Before authentication: handlers/register.test.ts sends it twice. */
const BEFORE_AUTH: ReadonlySet<Method> = new Set(['user.register'])

interface Case {
  readonly method: Method
  readonly what?: string
  readonly params: (scene: Scene) => unknown
  /** Somebody else's doing between the first request and the second. */
  readonly between?: (client: Client) => Promise<unknown>
}

const ATTACH = attachParams('box')
const credential = { salt: randomBytes(16), iterations: 4_096, storedKey: randomBytes(32), serverKey: randomBytes(32) }
const ZIP = Buffer.from('the files of a job')
const SHA256 = createHash('sha256').update(ZIP).digest('hex') as Sha256
const CLAIM = hex32() as ClaimId
const KEY = newKey()

const CASES: readonly Case[] = [
  { method: 'user.add', params: () => ({ user: 'new', role: 'user', ...credential }) },
  { method: 'user.disable', params: () => ({ user: 'spare' }) },
  { method: 'user.enable', params: () => ({ user: 'spare' }) },
  { method: 'user.passwd', params: () => ({ user: 'spare', ...credential }) },
  {
    method: 'user.passwd',
    what: 'that ends sessions',
    params: () => ({ user: 'spare', ...credential, endSessions: true }),
  },
  { method: 'user.delete', params: () => ({ user: 'spare' }) },
  { method: 'invite.add', params: () => ({ tokenSha256: SHA256, role: 'worker' }) },
  { method: 'invite.revoke', params: ({ invite }) => ({ invite }) },
  { method: 'action.add', params: () => ({ action: 'new', command: ['true'] }) },
  { method: 'action.add', what: 'to replace', params: () => ({ action: 'build', command: ['x'], replace: true }) },
  { method: 'action.disable', params: () => ({ action: 'build' }) },
  { method: 'action.enable', params: () => ({ action: 'build' }) },
  { method: 'secret.set', params: () => ({ action: 'build', secret: 'TOKEN', value: 'hush-hush' }) },
  { method: 'secret.set', what: 'to replace', params: () => ({ action: 'build', secret: 'KEY', value: 'another' }) },
  { method: 'secret.remove', params: () => ({ action: 'build', secret: 'KEY' }) },
  { method: 'bundle.write', params: () => ({ sha256: SHA256, totalBytes: ZIP.length, offset: 0, data: ZIP }) },
  {
    method: 'bundle.write',
    what: 'of a part',
    params: () => ({ ...{ sha256: SHA256, totalBytes: ZIP.length }, offset: 0, data: ZIP.subarray(0, 5) }),
  },
  { method: 'job.queue', params: () => ({ action: 'build', key: KEY, count: 3, parameters: [['A', '1']] }) },
  {
    method: 'job.queue',
    what: 'before the action was disabled',
    params: () => ({ action: 'build', key: KEY }),
    between: client => client.call('action.disable', { action: name('build') }),
  },
  { method: 'job.exec', params: () => ({ key: KEY, command: ['true'], labels: ['arm'] }) },
  { method: 'job.retry', params: ({ ended }) => ({ job: ended, key: KEY }) },
  {
    method: 'job.retry',
    what: 'before the action was disabled',
    params: ({ ended }) => ({ job: ended, key: KEY }),
    between: client => client.call('action.disable', { action: name('build') }),
  },
  { method: 'job.stop', what: 'of one that waits', params: ({ pending }) => ({ job: pending }) },
  { method: 'job.stop', what: 'of one that runs', params: ({ held }) => ({ job: held.job }) },
  { method: 'job.stop', what: 'of one that has ended', params: ({ ended }) => ({ job: ended }) },
  { method: 'worker.attach', params: () => ATTACH },
  { method: 'worker.drain', params: () => ({ worker: ATTACH.worker }) },
  { method: 'worker.undrain', params: () => ({ worker: ATTACH.worker }) },
  { method: 'job.claim', params: () => ({ claim: CLAIM, waitMs: 0 }) },
  { method: 'job.acknowledge', params: ({ offered }) => offered },
  { method: 'job.decline', params: ({ offered }) => offered },
  { method: 'job.resume', params: ({ held }) => held },
  { method: 'job.started', params: ({ held }) => ({ ...held, pid: 77 }) },
  { method: 'job.append', params: ({ held }) => ({ ...held, part: 'stdout', offset: 4, data: Buffer.from('more') }) },
  { method: 'job.finish', params: ({ held }) => ({ ...held, exitCode: 0, stdout: streamOf('logs'), stderr: EMPTY }) },
  {
    method: 'job.finish',
    what: 'with a tail',
    params: ({ held }) => ({ ...held, exitCode: 3, stdout: streamOf('logsmore', 4), stderr: EMPTY }),
  },
]

const ATTACHED: ReadonlySet<Method> = new Set(['job.claim', 'job.acknowledge', 'job.decline'])
const HOLDING: ReadonlySet<Method> = new Set(['job.resume', 'job.started', 'job.append', 'job.finish'])

async function setScene(t: Test): Promise<Scene> {
  const daemon = await startDaemonInProcess(t, { dataDir: t.testdir() })
  const admin = await daemon.login('admin', { user: 'root' })
  await daemon.login('user', { user: 'spare' })
  const client = await daemon.client(admin)
  await client.call('action.add', { action: name('build'), command: ['make'] })
  await client.call('secret.set', { action: name('build'), secret: 'KEY', value: 'first value' })
  const tokenSha256 = createHash('sha256').digest('hex') as Sha256
  const { invite } = await client.call('invite.add', { tokenSha256, role: 'user' })
  const jobs: JobId[] = []
  for (let n = 0; n < 4; n++) {
    const queued = await client.call('job.queue', { action: name('build'), key: newKey() })
    jobs.push(queued.jobs[0] as JobId)
  }
  await client.call('worker.attach', ATTACH)
  const take = async () => {
    const { grant } = await client.call('job.claim', { claim: hex32() as ClaimId, waitMs: 0 })
    if (!grant) throw new Error('there was no job')
    return { job: grant.job, lease: grant.lease }
  }
  const ended = await take()
  await client.call('job.acknowledge', ended)
  await client.call('job.finish', { ...ended, exitCode: 0, stdout: EMPTY, stderr: EMPTY })
  const held = await take()
  await client.call('job.acknowledge', held)
  await client.call('job.append', { ...held, part: 'stdout', offset: 0, data: Buffer.from('logs') })
  const offered = await take()
  return { daemon, admin, invite, ended: ended.job, pending: jobs[3] as JobId, held, offered }
}

/** A connection whose replies can be lost: from `lose` on none arrives any more; resolves when the first one was lost. */
async function cuttable({ daemon, admin }: Scene): Promise<{ client: Client; lose(): Promise<void> }> {
  let arrived: (() => void) | undefined
  const dial: Dial = async address => {
    const wire = await daemon.dial(address)
    return {
      ...methodsOf(wire),
      listen: handlers => wire.listen({ ...handlers, onData: bytes => (arrived ? arrived() : handlers.onData(bytes)) }),
    }
  }
  const client = await connect({ dial, address: daemon.address, login: admin, clock: daemon.clock })
  return {
    client,
    lose: () =>
      new Promise(resolve => {
        arrived = resolve
      }),
  }
}

const methodsOf = (wire: Wire): Omit<Wire, 'listen'> => ({
  write: bytes => wire.write(bytes),
  pause: () => wire.pause(),
  resume: () => wire.resume(),
  end: () => wire.end(),
  destroy: () => wire.destroy(),
})

/** What a worker does on a new connection before it goes on. */
async function prepare(client: Client, method: Method, { held }: Scene): Promise<void> {
  if (ATTACHED.has(method)) await client.call('worker.attach', ATTACH)
  if (HOLDING.has(method) && method !== 'job.resume') await client.call('job.resume', held as never).catch(notHeld)
}

/** The job has ended by the first request: its worker finds out by the second. */
function notHeld(error: { code?: string }): void {
  if (error.code !== 'E_LEASE_LOST') throw error
}

/** `changed` tells whether this very request did it: the second one did not. */
function comparable(result: object): object {
  const { changed: _, ...rest } = result as { changed?: boolean }
  return rest
}

t.test('each method that changes something is in the table', async t => {
  const changing = (Object.keys(METHODS) as Method[]).filter(method => !READS.has(method) && !BEFORE_AUTH.has(method))
  t.strictSame(new Set(CASES.map(({ method }) => method)), new Set(changing))
})

for (const { method, what = '', params, between } of CASES) {
  const title = `${method} ${what}`
  t.test(`${title} sent twice over one connection is done once, with one result`, async t => {
    const scene = await setScene(t)
    const client = await scene.daemon.client(scene.admin)
    await prepare(client, method, scene)
    const request = params(scene) as never
    const first = await client.call(method, request)
    await between?.(client)
    const dump = dumpDatabase(scene.daemon.dataDir)
    t.strictSame(comparable(await client.call(method, request)), comparable(first))
    t.equal(dumpDatabase(scene.daemon.dataDir), dump)
  })

  t.test(`${title} sent twice in one turn is done once, with one result`, async t => {
    const scene = await setScene(t)
    const client = await scene.daemon.client(scene.admin)
    await prepare(client, method, scene)
    const request = params(scene) as never
    const [first, second] = await Promise.all([client.call(method, request), client.call(method, request)])
    t.strictSame(comparable(second), comparable(first))
  })

  t.test(`${title} sent again over a new connection, its reply lost, is done once, with one result`, async t => {
    const scene = await setScene(t)
    const { daemon } = scene
    const reference = await cuttable(scene)
    await prepare(reference.client, method, scene)
    const request = params(scene) as never
    const reply = reference.lose()
    const lost = reference.client.call(method, request)
    const outcome = lost.then(
      () => 'answered',
      error => error,
    )
    await reply
    reference.client.destroy()
    t.ok((await outcome) instanceof ConnectionLostError)
    const client = await daemon.client(scene.admin)
    await between?.(client)
    const done = dumpDatabase(daemon.dataDir)
    await prepare(client, method, scene)
    const second = await client.call(method, request)
    t.equal(dumpDatabase(daemon.dataDir), done, 'the second one changed nothing')
    t.strictSame(comparable(await client.call(method, request)), comparable(second), 'nor a third one')
  })
}

t.test('a grant whose reply never arrived goes to another worker within seconds, and the job runs once', async t => {
  const scene = await setScene(t)
  const { daemon, pending } = scene
  const first = await cuttable(scene)
  await first.client.call('worker.attach', attachParams('silent'))
  const reply = first.lose()
  const lost = first.client.call('job.claim', { claim: CLAIM, waitMs: 0 })
  await reply
  first.client.destroy()
  await t.rejects(lost, ConnectionLostError)
  const other = await daemon.client('worker')
  await other.call('worker.attach', attachParams('lively'))
  const parked = other.call('job.claim', { claim: hex32() as ClaimId, waitMs: 60_000 })
  await other.call('server.status', {})
  t.equal((await daemon.writer.counters()).claimsParked, 1, 'the job is out')
  for (let beats = 0; beats < LIMITS.grantMs.value / HEARTBEAT_MS; beats++) {
    await other.call('worker.beat', { leases: [], free: 1, load: 0 })
    await daemon.clock.advance(HEARTBEAT_MS)
  }
  t.equal((await parked).grant?.job, scene.offered.job, 'nobody acknowledged that one either')
  const { grant } = await other.call('job.claim', { claim: hex32() as ClaimId, waitMs: 0 })
  t.equal(grant?.job, pending)
  const taken = { job: pending, lease: grant?.lease as LeaseId }
  await other.call('job.acknowledge', taken)
  const back = await daemon.client('worker')
  await back.call('worker.attach', attachParams('silent'))
  t.strictSame(await back.call('job.claim', { claim: CLAIM, waitMs: 0 }), {}, 'the first one finds nothing left')
  await other.call('job.finish', { ...taken, exitCode: 0, stdout: EMPTY, stderr: EMPTY })
  const admin = await daemon.client(scene.admin)
  t.match((await admin.call('job.query', { jobs: [pending] })).jobs, [
    { state: 'COMPLETE', attempt: 1, worker: 'lively' },
  ])
})
