import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import AdmZip from 'adm-zip'
import t, { type Test } from 'tap'
import { craftZip } from '../client/archive-helpers/craft-zip.js'
import { jsonLines, Keyboard, temporaryDirectory } from './harness.js'
import { setUpWithWorker } from './people.js'

/** The same with a job that left an archive which is unpacked while it comes. */
async function openLarge(t: Test) {
  const stage = await setUpWithWorker(t)
  await stage.run(['queue', 'a'])
  const job = await stage.worker.take()
  const data = randomBytes(20 * 2 ** 20)
  const names = ['d/first', 'd/second']
  await job.append('artifacts', craftZip(names.map(name => ({ name, data, mode: 0o100644 }))))
  await job.finish()
  return { ...stage, data, dir: join(temporaryDirectory(t), 'out') }
}

t.test('fetch unpacks artifacts, lists them, and leaves nothing else behind', async t => {
  const { run, worker } = await setUpWithWorker(t)
  await run(['queue', 'a'])
  const job = await worker.take()
  t.match(await run(['fetch', '1']), { status: 1, stderr: /E_JOB_NOT_FINISHED/ })
  const zip = new AdmZip()
  const big = randomBytes(1_500_000)
  zip.addFile('dist/big', big)
  zip.addFile('ünï.txt', Buffer.from('hi'))
  await job.append('artifacts', zip.toBuffer())
  await job.finish()
  const dir = join(temporaryDirectory(t), 'out')
  const progress: string[] = []
  const fetched = await run(['fetch', '1', '-o', dir], { isTerminal: true, onOutput: text => progress.push(text) })
  t.match(fetched, { status: 0, stdout: `2 files, 1.4 MiB, in ${dir}\n` })
  t.match(progress.join(''), /fetching \[#*-*\] +\d+% /)
  t.ok(readFileSync(join(dir, 'dist', 'big')).equals(big))
  t.strictSame(readdirSync(dir).sort(), ['dist', 'ünï.txt'])
  t.match(jsonLines((await run(['fetch', '1', '--list', '--json'])).stdout), [
    { path: 'dist/big', bytes: 1_500_000 },
    { path: 'ünï.txt', bytes: 2 },
  ])
  t.match((await run(['fetch', '1', '--list'])).stdout, / +1.4 MiB {2}dist\/big\n +2 B {2}/)
  t.match(
    await run(['fetch', '1', '-o', dir]),
    { status: 1, stderr: /^jankins: [^\n]+\n$/ },
    'never over what is there',
  )
  await run(['queue', 'a'])
  await (await worker.take()).finish()
  const none = join(dir, 'none')
  t.match(await run(['fetch', '2', '-o', none]), { status: 1, stderr: /E_NO_ARTIFACTS/ })
  t.notOk(existsSync(none), 'nothing was made for a job without artifacts')
})

t.test('fetch unpacks a large archive while it comes', async t => {
  const { run, data, dir } = await openLarge(t)
  t.match(await run(['fetch', '1', '-o', dir]), { status: 0, stdout: `2 files, 40 MiB, in ${dir}\n` })
  for (const name of ['first', 'second']) t.ok(readFileSync(join(dir, 'd', name)).equals(data), name)
})

t.test('Ctrl-C ends fetch, and what was unpacked until then is taken away', async t => {
  const { run, dir } = await openLarge(t)
  const keyboard = new Keyboard()
  const there: string[][] = []
  const onOutput = () => {
    there.push(readdirSync(dir, { recursive: true }).map(String))
    keyboard.interrupt()
  }
  const left = await run(['fetch', '1', '-o', dir], { isTerminal: true, keyboard, onOutput })
  t.match(left, { status: 130, stdout: '' })
  t.strictSame(there[0], ['d', 'd/first'])
  t.notOk(existsSync(dir))
})

t.test('fetch of an archive that has changed on the disk of the daemon says so, and leaves nothing', async t => {
  const { daemon, run, dir } = await openLarge(t)
  const archives = join(daemon.dataDir, 'artifacts')
  const [name] = readdirSync(archives, { recursive: true })
    .map(String)
    .filter(path => path.endsWith('.zip'))
  const file = openSync(join(archives, name as string), 'r+')
  // The name of the first entry in front of its bytes, which no reader looks at: only the sum of the whole tells.
  writeSync(file, 'D', 30)
  closeSync(file)
  t.match(await run(['fetch', '1', '-o', dir]), { status: 1, stdout: '', stderr: /E_CHECKSUM/ })
  t.notOk(existsSync(dir))
})
