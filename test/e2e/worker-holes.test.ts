import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Client } from '../../lib/client/connection.js'
import { createPunchHole } from '../../lib/worker/machine/freed.js'
import type { JobId } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import { startCli, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { endOf, until } from '../helpers/worker-bench.js'

const MIB = 1024 * 1024
const BLOCK_BYTES = 512
/** What is not durable, a step that is not worth freeing yet, and the last bytes read. */
const KEPT_BYTES_MAX = LIMITS.undurableBytesMax.value + 8 * MIB + 2 * MIB
/** 64 MB, each line another one. */
const LINES = 8_000_000
const LINES_MORE = 1_000_000

/** Null when the file system of the directory cannot give room back. */
async function withHoles(t: Test, dir: string): Promise<string | null> {
  const file = join(dir, 'probe')
  writeFileSync(file, Buffer.alloc(MIB))
  const isAble = await createPunchHole()(file, 0, MIB)
  rmSync(file)
  if (isAble) return dir
  t.comment(`skipped: no holes in ${dir}`)
  return null
}

const inMemory = (t: Test): string | null => {
  if (!existsSync('/dev/shm')) return null
  const dir = mkdtempSync('/dev/shm/jankins-test-')
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Of the log as the daemon has it. */
async function checksum(admin: Client, job: JobId): Promise<string> {
  const hash = createHash('sha256')
  for (let offset = 0; ; ) {
    const page = await admin.call('job.log', { job, stream: 'stdout', offset, bytesMax: 262_144 })
    for (const { data } of page.chunks) hash.update(data)
    if (page.next === offset) return hash.digest('hex')
    offset = page.next
  }
}

function checksumOfLines(count: number): string {
  const hash = createHash('sha256')
  for (let line = 1; line <= count; line += 10_000)
    hash.update(Array.from({ length: 10_000 }, (_, index) => `${line + index}\n`).join(''))
  return hash.digest('hex')
}

for (const [name, directory] of [
  ['on a disk', temporaryDirectory],
  ['in memory', inMemory],
] as const)
  t.test(`what is durable at the daemon takes no room at the worker, ${name}, and nothing of it is lost`, async t => {
    const base = directory(t)
    const dir = base === null ? null : await withHoles(t, base)
    if (dir === null) return
    const daemon = await startDaemon(t)
    const admin = await daemon.connect()
    const stateDir = join(dir, 'state')
    const [more, go] = [join(dir, 'more'), join(dir, 'go')]
    const wait = (file: string): string => `while [ ! -e ${file} ]; do sleep 0.05; done`
    const script = `seq 1 ${LINES}; ${wait(more)}; seq ${LINES + 1} ${LINES + LINES_MORE}; ${wait(go)}`
    const { job } = await admin.call('job.exec', { command: ['sh', '-c', script], key: `holes-key-${name}` })
    const worker = () => startCli(t, ['work', '--name', 'box', '--dir', stateDir], { env: daemon.env })
    const first = worker()
    const attempt = (): string => join(stateDir, 'attempts', readdirSync(join(stateDir, 'attempts'))[0] ?? 'none')
    const stdout = () => statSync(join(attempt(), 'stdout'))
    await until('the job runs', () => existsSync(join(stateDir, 'attempts')) && existsSync(join(attempt(), 'shell')))
    await until('it takes less room', () => {
      const { size, blocks } = stdout()
      return size > 60_000_000 && blocks * BLOCK_BYTES < KEPT_BYTES_MAX
    })
    first.child.kill('SIGKILL')
    await first.ended
    t.match(JSON.parse(readFileSync(join(attempt(), 'freed'), 'utf8')), { stdout: { bytes: Number, crc32: Number } })
    const second = worker()
    await until('it is adopted', () => second.stderr().includes('adopting'))
    writeFileSync(more, '')
    const bytes = 70_888_896
    const stored = join(daemon.dataDir, 'logs', '0', `${job}.stdout`)
    await until('all of it has arrived', () => statSync(stored).size === bytes)
    t.equal(stdout().size, bytes)
    writeFileSync(go, '')
    t.match(await endOf(admin, job), {
      ...{ state: 'COMPLETE', exitCode: 0, attempt: 1, logBytes: bytes },
    })
    t.equal(await checksum(admin, job), checksumOfLines(LINES + LINES_MORE))
    t.notMatch(second.stderr(), /sending again|is lost|are lost/)
    second.child.kill('SIGTERM')
    t.equal((await second.ended).code, 0)
  })
