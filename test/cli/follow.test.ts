import t from 'tap'
import { until } from '../helpers/clock.js'
import { jsonLines, Keyboard } from './harness.js'
import { setUpWithWorker } from './people.js'

t.test('Ctrl-C asks, and s stops the job: run follows it to its end and exits as it did', async t => {
  const { run, worker } = await setUpWithWorker(t)
  const keyboard = new Keyboard()
  let seen = ''
  const onOutput = (text: string) => {
    seen += text
  }
  const ran = run(['run', 'a'], { isTerminal: true, keyboard, onOutput })
  const job = await worker.take()
  await job.append('stdout', 'one\n')
  await until(() => seen.includes('one'), 'the job is followed')
  keyboard.interrupt()
  await keyboard.answer('s')
  await until(() => seen.includes('is being stopped'), 'the job is to be stopped')
  await job.append('stdout', 'two\n')
  await job.finish({ reason: 'stopped', signal: 'SIGTERM', exitCode: 143 })
  const ended = await ran
  t.match(ended, { status: 130, stdout: 'one\ntwo\n', stderr: /job 1 is being stopped\n/ })
  t.match(ended.stderr, /job 1 CANCELLED: exit code 143, SIGTERM, stopped/)
  t.match(keyboard.questions, ['stop job 1 (s), stop watching (w), or go on (Enter)'])
  t.notOk(keyboard.isListening, 'nothing listens to Ctrl-C any more')
})

t.test('w stops only the watching, Enter goes on, and what comes meanwhile waits for the answer', async t => {
  const { run, worker } = await setUpWithWorker(t)
  const keyboard = new Keyboard()
  let seen = ''
  const onOutput = (text: string) => {
    seen += text
  }
  const ran = run(['queue', 'a', '-f'], { isTerminal: true, keyboard, onOutput })
  const job = await worker.take()
  await until(() => keyboard.isListening, 'the job is followed')
  keyboard.interrupt()
  await job.append('stdout', 'held back\n')
  t.notMatch(seen, 'held back')
  await keyboard.answer('')
  await until(() => seen.includes('held back'), 'it is printed after the answer')
  keyboard.interrupt()
  await keyboard.answer('w')
  t.match(await ran, { status: 130, stderr: /job 1 goes on; see jankins log 1 --follow\n/ })
  t.equal(keyboard.questions.length, 2)
  await job.finish()
  t.match(jsonLines((await run(['query', '1', '--json'])).stdout), [{ state: 'COMPLETE', exitCode: 0 }])
})

t.test('a second Ctrl-C stops watching at once', async t => {
  const { run, worker } = await setUpWithWorker(t)
  const keyboard = new Keyboard()
  const ran = run(['retry', '1', '--follow'], { isTerminal: true, keyboard })
  t.match(await ran, { status: 1, stderr: /E_JOB_NOT_FOUND/ })
  await run(['queue', 'a'])
  await (await worker.take()).finish()
  const again = run(['retry', '1', '--follow'], { isTerminal: true, keyboard })
  const job = await worker.take()
  await until(() => keyboard.isListening, 'the job is followed')
  keyboard.interrupt()
  keyboard.interrupt()
  t.match(await again, { status: 130, stdout: '2\n' })
  await job.finish()
})

t.test('a job that ends while the question is open takes it back', async t => {
  const { run, worker } = await setUpWithWorker(t)
  const keyboard = new Keyboard()
  const ran = run(['run', 'a'], { isTerminal: true, keyboard })
  const job = await worker.take()
  await until(() => keyboard.isListening, 'the job is followed')
  keyboard.interrupt()
  await job.finish({ exitCode: 3 })
  t.match(await ran, { status: 3 })
  t.equal(keyboard.questions.length, 1)
})

t.test('who may not stop a job is told so, and goes on watching', async t => {
  const { daemon, run, as, worker } = await setUpWithWorker(t)
  const { user } = await daemon.login('user')
  const keyboard = new Keyboard()
  await run(['queue', 'a'])
  const job = await worker.take()
  const env = { JANKINS_USER: user, JANKINS_PASSWORD: `password of ${user}` }
  const other = await as('user')
  let seen = ''
  const onOutput = (text: string) => {
    seen += text
  }
  const ran = other(['log', '1', '-f'], { isTerminal: true, keyboard, env, onOutput })
  await until(() => keyboard.isListening, 'the log is followed')
  keyboard.interrupt()
  await keyboard.answer('s')
  await until(() => seen.includes('cannot be stopped'), 'the answer is there')
  await job.finish()
  t.match(await ran, { status: 0, stderr: /job 1 cannot be stopped by this account \(E_FORBIDDEN\)\n/ })
})

t.test('--quiet says nothing beside the output, on a terminal too', async t => {
  const { run, worker } = await setUpWithWorker(t)
  for (const argv of [
    ['run', 'a', '-q', '--follow'],
    ['queue', 'a', '--wait', '-q'],
    ['exec', '--wait', '--quiet', '--', 'x'],
    ['retry', '1', '-q', '--wait'],
  ]) {
    const ran = run(argv, { isTerminal: true, keyboard: new Keyboard() })
    const job = await worker.take()
    await job.finish()
    t.match(await ran, { status: 0, stderr: '' }, argv.join(' '))
  }
})
