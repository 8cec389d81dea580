import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import { type Log, silentLog } from '../../lib/base/log.js'
import type { Writer } from '../../lib/server/writer/writer.js'
import { newCookie } from '../../lib/worker/environment.js'
import { openMachine } from '../../lib/worker/machine/linux.js'
import { guardOrphan } from '../../lib/worker/orphans.js'
import type { AttemptFiles } from '../../lib/worker/ports.js'
import type { Grant } from '../../protocol/views.js'
import { mountSmallDisk, noSmallDisk } from '../helpers/small-disk.js'
import { nameOf, processesWith, startBench, stayAlive, tempDir, until } from '../helpers/worker-bench.js'

const onSmallDisk = { skip: noSmallDisk() }
const sh = (script: string): string[] => ['sh', '-c', script]

t.test('a pipe that a job puts in place of a file of its attempt holds nothing up', async t => {
  stayAlive(t)
  const machine = await openMachine({ stateDir: await tempDir(t), clock: systemClock, useCgroup: false })
  t.teardown(() => machine.release())
  const grant = { job: 1, attempt: 1, lease: machine.random(16), stderr: 'apart' } as unknown as Grant
  const record = { grant, server: 'some:1', user: nameOf('somebody'), cookie: newCookie(machine.random) }
  const files = await machine.attempts.create(record)
  for (const file of ['stderr', 'lease-end']) spawnSync('mkfifo', [join(files.workspaceDir, '..', file)])
  t.equal(await files.readLeaseEnd(), undefined)
  await t.rejects(files.readStream('stderr', 0, 10), { code: 'ESPIPE' })
  await files.remove()
})

t.test('a daemon that fails inside when a job ends gets its result all the same', async t => {
  let failures = 2
  const failing = (writer: Writer): Writer => ({
    ...writer,
    finish: async (...args) => {
      if (failures-- > 0) throw new Error('failed on purpose')
      return await writer.finish(...args)
    },
  })
  const bench = await startBench(t, undefined, { writer: failing })
  const job = await bench.run({ command: sh('echo kept; exit 3') })
  t.match(job, { state: 'COMPLETE', exitCode: 3 })
  t.equal(String(await bench.log(job.job)), 'kept\n')
  t.ok(failures < 0)
})

t.test(
  'a job of a server that is not configured any more runs to the end of its lease, and its result is kept',
  async t => {
    stayAlive(t)
    const stateDir = await tempDir(t)
    const first = await openMachine({ stateDir, clock: systemClock, useCgroup: false })
    const start = async (job: number, leaseMs: number, script: string): Promise<AttemptFiles> => {
      const files = await first.attempts.create({
        grant: { job, attempt: 1, lease: first.random(16), command: sh(script), stderr: 'apart' } as unknown as Grant,
        ...{ server: 'gone:1', user: nameOf('nobody'), cookie: newCookie(first.random) },
      })
      await files.markLaunched()
      await files.writeLeaseEnd(first.bootClock.bootMs() + leaseMs)
      const { name, value } = files.record.cookie
      await first.executor.start(files, { PATH: String(process.env.PATH), [name]: value })
      return files
    }
    const running = await start(1, 1_500, 'setsid sleep 600 & sleep 600')
    const ended = await start(2, 600_000, 'exit 4')
    await until('one has ended', async () => existsSync(join(dirOf(stateDir, 2), 'status')) && !(await left(ended)))
    await first.release()
    const machine = await openMachine({ stateDir, clock: systemClock, useCgroup: false })
    const signal = new AbortController().signal
    const found = await machine.attempts.list()
    await Promise.all(found.map(files => guardOrphan({ files, machine, clock: systemClock, log: silentLog }, signal)))
    t.strictSame(await Promise.all(found.map(left)), [false, false])
    t.strictSame(
      readdirSync(join(stateDir, 'attempts')).map(name => name.split('-')[0]),
      ['2'],
    )
    for (const files of [running, ended]) await files.remove()
    await machine.release()
  },
)

const dirOf = (stateDir: string, job: number): string =>
  join(stateDir, 'attempts', readdirSync(join(stateDir, 'attempts')).find(name => name.startsWith(`${job}-`)) ?? '')

const left = async ({ record: { cookie } }: AttemptFiles): Promise<boolean> =>
  (await processesWith(`${cookie.name}=${cookie.value}`)).length > 0

t.test(
  'a job that fills the disk of its worker ends, and the worker goes on when there is room',
  onSmallDisk,
  async t => {
    const { path: stateDir } = mountSmallDisk(t, 2)
    const bench = await startBench(t, undefined, { stateDir })
    const filler = await bench.run({ command: sh('echo begun; head -c 9000000 /dev/zero >fill; echo $?; exit 7') })
    t.match(filler, { state: 'COMPLETE', exitCode: 7 })
    t.match(String(await bench.log(filler.job)), /^begun\n/)
    const kept = join(stateDir, 'fill')
    spawnSync('sh', ['-c', `head -c 9000000 /dev/zero >${kept}`])
    const job = await bench.exec({ command: ['true'] })
    const told: string[] = []
    const log: Log = { debug() {}, info() {}, warn: message => void told.push(message), error() {} }
    const working = await bench.work({ mode: { kind: 'loop' }, log })
    await until('it says why it asks for no job', () => told.length > 0)
    t.match(told[0], /no job is asked for/)
    t.equal((await bench.admin.call('job.query', { jobs: [job] })).jobs[0]?.state, 'PENDING')
    rmSync(kept)
    t.match(await bench.ended(job), { state: 'COMPLETE', exitCode: 0, attempt: 1 })
    working.drain()
    await working.result
  },
)

t.test('a lease is renewed on a full disk', onSmallDisk, async t => {
  const { path: stateDir } = mountSmallDisk(t, 2)
  const bench = await startBench(t, undefined, { stateDir })
  const go = join(await tempDir(t), 'go')
  const fill = 'head -c 9000000 /dev/zero >fill; while [ ! -e "$GO" ]; do sleep 0.05; done; exit 5'
  const job = await bench.exec({ command: sh(fill), leaseMs: 6_000, environment: [['GO', go]] })
  const working = await bench.work()
  const attempt = (): string => join(stateDir, 'attempts', readdirSync(join(stateDir, 'attempts'))[0] ?? 'none')
  await until('the disk is full', () => statfsSync(stateDir).bavail === 0)
  const files = (await working.machine.attempts.list())[0]!
  const endedAtBootMs = (await files.readLeaseEnd())!
  // Past its first end: without the renewals the guard had ended it.
  await until('the lease was renewed', async () => (await files.readLeaseEnd())! > endedAtBootMs + 7_000)
  t.ok(existsSync(join(attempt(), 'status')))
  writeFileSync(go, '')
  await working.result
  t.match(await bench.ended(job), { state: 'COMPLETE', exitCode: 5 })
})
