import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import type { Client } from '../../lib/client/connection.js'
import { type JobId, parseSha256 } from '../../protocol/ids.js'
import { quietPort } from '../helpers/ports.js'
import { cli, connectAs, startCli, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { mountSmallDisk, noSmallDisk } from '../helpers/small-disk.js'
import { endOf, nameOf, until } from '../helpers/worker-bench.js'

const options = { skip: noSmallDisk() }
const view = async (client: Client, job: JobId) => (await client.call('job.query', { jobs: [job] })).jobs[0]!
const startedPid = async (client: Client, job: JobId): Promise<void> =>
  until(`job ${job} runs`, async () => (await view(client, job)).pid !== undefined)

t.test(
  'a daemon on a full disk refuses new work, keeps the ends of jobs, and goes on when there is room',
  options,
  async t => {
    const disk = mountSmallDisk(t, 16)
    const dataDir = join(disk.path, 'data')
    const port = String(await quietPort())
    const config = 'reserve = "2MiB"\n'
    const start = () => startDaemon(t, { dataDir, config, args: ['--port', port] })
    let daemon = await start()
    let admin = await daemon.connect()
    const go = join(temporaryDirectory(t), 'go')
    const wait = `while [ ! -e ${go} ]; do sleep 0.05; done`
    const exec = async (script: string, key: string) =>
      (await admin.call('job.exec', { command: ['sh', '-c', script], key })).job
    const small = await exec(`echo begin; ${wait}; echo end; sleep 1; exit 3`, 'job-small')
    const large = await exec(`echo begin; ${wait}; head -c 1000000 /dev/zero; exit 4`, 'job-large')
    startCli(t, ['work', '--name', 'box', '--jobs', '2', '--dir', join(temporaryDirectory(t), 'state')], daemon)
    await startedPid(admin, small)
    await startedPid(admin, large)
    await until('space is held', () => readdirSync(dataDir).includes('reserve'))

    disk.fill()
    const refused = await cli(t, ['exec', '--', 'true'], daemon)
    t.equal(refused.code, 1)
    t.match(refused.stderr, /^jankins: .*disk of the daemon is full.*\n$/)
    const content = Buffer.alloc(100_000, 'bundle')
    const sha256 = parseSha256(createHash('sha256').update(content).digest('hex'))!
    const bundle = { sha256, totalBytes: content.length, offset: 0, data: content }
    await t.rejects(admin.call('bundle.write', bundle), { code: 'E_STORE_FULL' })

    writeFileSync(go, '')
    t.match(await endOf(admin, small), { state: 'COMPLETE', exitCode: 3, logBytes: 10 })
    t.equal((await view(admin, large)).state, 'RUNNING', 'what does not fit waits at the worker')
    await daemon.stop('SIGKILL')
    daemon = await start()
    admin = await connectAs(daemon.address, { user: nameOf('admin'), password: daemon.password })
    t.teardown(() => admin.destroy())
    t.match(await view(admin, small), { state: 'COMPLETE', exitCode: 3 }, 'it starts on the full disk, too')

    disk.empty()
    t.match(await endOf(admin, large), { state: 'COMPLETE', exitCode: 4, logBytes: 1_000_006, attempt: 1 })
    t.equal((await admin.call('bundle.write', bundle)).complete, true)
    t.match(await endOf(admin, await exec('exit 5', 'job-after')), { state: 'COMPLETE', exitCode: 5 })
    t.ok(await daemon.said(/nearly full[\s\S]*there is room/))
    t.equal((await daemon.stop()).code, 0)
    const database = new Database(join(dataDir, 'jankins.db'), { readonly: true })
    t.equal(database.pragma('integrity_check', { simple: true }), 'ok')
    database.close()
  },
)

t.test('a worker on a full disk tells how its jobs end, keeps their leases and asks for no other', options, async t => {
  const disk = mountSmallDisk(t, 6)
  const daemon = await startDaemon(t)
  const admin = await daemon.connect()
  const stateDir = join(disk.path, 'state')
  mkdirSync(stateDir)
  const go = join(temporaryDirectory(t), 'go')
  const exec = async (script: string, key: string, leaseMs = 60_000) =>
    (await admin.call('job.exec', { command: ['sh', '-c', script], key, leaseMs })).job
  const worker = startCli(t, ['work', '--name', 'box', '--dir', stateDir], daemon)

  const greedy = await exec('head -c 100000000 /dev/zero >fill; echo lost >&2; exit 7', 'job-greedy')
  t.match(await endOf(admin, greedy), { state: 'COMPLETE', exitCode: 7 })

  const patient = await exec(`while [ ! -e ${go} ]; do sleep 0.05; done; exit 8`, 'job-patient', 10_000)
  await startedPid(admin, patient)
  const [attempt = ''] = readdirSync(join(stateDir, 'attempts'))
  const leaseEnd = () => readFileSync(join(stateDir, 'attempts', attempt, 'lease-end'), 'utf8')
  disk.fill()
  const before = leaseEnd()
  const ticks = (text: string): number => Number(text.split(' ')[0])
  await until('the lease was renewed for longer than it was', () => ticks(leaseEnd()) > ticks(before) + 400)
  const next = await exec('exit 9', 'job-next')
  writeFileSync(go, '')
  t.match(await endOf(admin, patient), { state: 'COMPLETE', exitCode: 8, attempt: 1 })
  await until('it says why it asks for nothing', () => worker.stderr().includes('no job is asked for'))
  t.match(await view(admin, next), { state: 'PENDING' })
  disk.empty()
  t.match(await endOf(admin, next), { state: 'COMPLETE', exitCode: 9, attempt: 1 })
  await until('nothing is left of them', () => readdirSync(join(stateDir, 'attempts')).length === 0)
  worker.child.kill('SIGTERM')
  t.equal((await worker.ended).code, 0)
})
