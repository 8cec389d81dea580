import t from 'tap'
import { renderWatch, type Watched } from '../../lib/cli/watch/render-watch.js'
import { widthOf } from '../../lib/cli/width.js'
import type { JobId, Name } from '../../protocol/ids.js'
import type { JobView, WorkerView } from '../../protocol/views.js'
import { until } from '../helpers/clock.js'
import { fakeWorker } from './fake-worker.js'
import { jsonLines, Keyboard } from './harness.js'
import { setUp } from './people.js'

const nowMs = Date.UTC(2026, 4, 4, 13, 7, 9)
const name = (text: string): Name => text as Name
const plain = { width: 80, isColoured: false }

const job: JobView = {
  ...{ job: 7 as JobId, state: 'PENDING', user: name('ada'), attempt: 1, priority: 0, queuedAtMs: nowMs - 3_000 },
  ...{ action: name('build'), command: ['make', '-j4', 'all'], parameters: [], labels: [], logBytes: 0 },
  artifactBytes: 0,
}
const worker: WorkerView = {
  ...{ worker: name('box-1'), user: name('w'), liveness: 'alive', labels: [name('linux')], slots: 4, free: 2 },
  ...{ jobs: [6 as JobId], load: 0.5, version: '0.1.0', attachedAtMs: 0, beatAtMs: nowMs - 200 },
}
const watched: Watched = {
  status: {
    ...{ version: '0.1.0', startedAtMs: 0, nowMs, connections: 3, pending: 40, running: 1, workers: 1 },
    ...{ threads: [], claimsParked: 0, memoryBytes: 0 },
  },
  jobs: [
    { ...job, job: 6 as JobId, state: 'RUNNING', worker: name('box-1'), startedAtMs: nowMs - 65_000 },
    ...Array.from({ length: 40 }, (_, n) => ({ ...job, job: (50 - n) as JobId, priority: n === 3 ? 9 : 0 })),
  ],
  workers: [worker],
}

t.test('the screen shows what runs, what waits and the workers, and never more than fits', async t => {
  for (const rows of [5, 14, 24, 60]) {
    const lines = renderWatch(watched, nowMs, plain, rows)
    t.ok(lines.length <= rows, `${rows} rows`)
    for (const line of lines) t.ok(widthOf(line) <= plain.width, line)
  }
  t.matchSnapshot(renderWatch(watched, nowMs, plain, 16).join('\n'), 'a small terminal')
  t.matchSnapshot(renderWatch({ ...watched, jobs: [], workers: [] }, nowMs, plain, 24).join('\n'), 'nothing')
})

t.test('watch paints a full screen and gives the terminal back at q and at Ctrl-C', async t => {
  const { daemon, as } = await setUp(t)
  const admin = await as('admin')
  await admin(['add-action', 'a', '--', 'true'])
  await fakeWorker(daemon, 'box')
  for (const key of ['q', '\u0003']) {
    const keyboard = new Keyboard()
    let seen = ''
    const onOutput = (text: string) => {
      seen += text
    }
    const watching = admin(['watch', '--every', '200ms'], { isTerminal: true, keyboard, onOutput })
    await until(() => seen.includes('box'), 'the worker is shown')
    t.equal(keyboard.screensOpen, 1)
    await admin(['queue', 'a'])
    await until(() => /a +admin-1 +0/.test(seen), 'the job is shown')
    keyboard.press('x')
    keyboard.press(key)
    t.match(await watching, { status: 0, stderr: '' })
    t.equal(keyboard.screensOpen, 0)
  }
  const keyboard = new Keyboard()
  const failed = await admin(['watch'], { isTerminal: true, keyboard, env: { JANKINS_PASSWORD: 'wrong' } })
  t.match(failed, { status: 3 })
  t.equal(keyboard.screensOpen, 0)
})

t.test('without a terminal watch prints a line for each change', async t => {
  const { daemon, as } = await setUp(t)
  const admin = await as('admin')
  await admin(['add-action', 'a', '--', 'true'])
  const box = await fakeWorker(daemon, 'box')
  let [lines, objects] = ['', '']
  const byLine = admin(['watch', '--every', '200ms'], { onOutput: text => (lines += text) })
  const asJson = admin(['watch', '--every', '200ms', '--json'], { onOutput: text => (objects += text) })
  await admin(['disable', 'a'])
  await admin(['enable', 'a'])
  await admin(['queue', 'a'])
  await until(() => /job 1 PENDING: a, queued by admin-1\n/.test(lines), 'it waits')
  await until(() => jsonLines(objects).length > 0, 'as JSON too')
  const running = await box.take()
  await until(() => /Z job 1 RUNNING: a on box\n/.test(lines), 'it runs')
  await running.finish({ exitCode: 3 })
  await until(() => /Z job 1 COMPLETE: exit code 3, after [\d.]+s\n/.test(lines), 'it has ended')
  await until(() => jsonLines(objects).some(({ state }) => state === 'COMPLETE'), 'as JSON too')
  t.match(jsonLines(objects)[0], { job: 1, state: 'PENDING' })
  await daemon.stop()
  for (const ended of [byLine, asJson]) t.not((await ended).status, 0, 'it ends with its daemon')
})

t.test('without a terminal watch passes over no job, however short', async t => {
  const { daemon, as } = await setUp(t)
  const admin = await as('admin')
  await admin(['add-action', 'a', '--', 'true'])
  await admin(['queue', 'a'])
  let lines = ''
  const watching = admin(['watch', '--every', '2s'], { onOutput: text => (lines += text) })
  await until(() => lines.includes('job 1 PENDING'), 'the first look is over')
  await admin(['queue', 'a', '--count', '3'])
  await admin(['stop', '2', '3', '4'])
  await until(() => lines.includes('job 4 CANCELLED'), 'they are shown')
  for (const job of [2, 3, 4]) t.equal(lines.split(`job ${job} CANCELLED`).length, 2)
  await daemon.stop()
  await watching
})
