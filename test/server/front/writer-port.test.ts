import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { type LogRecord, recordLog } from '../../../lib/base/log.js'
import type { WriterCall } from '../../../lib/server/ports.js'
import { serveWriter, writerOverPort } from '../../../lib/server/writer/port.js'
import type { TellSessionsEnd } from '../../../lib/server/writer/shut-out.js'
import type { Writer } from '../../../lib/server/writer/writer.js'
import { JankinsError } from '../../../protocol/errors.js'
import { parseJobId, parseName } from '../../../protocol/ids.js'

const job = parseJobId(7)!

/** A writer behind a port; a call that it was not given rejects. */
function overPort(t: Test, served: Partial<Writer>) {
  const { port1, port2 } = new MessageChannel()
  const logs: LogRecord[] = []
  const messages: WriterCall[][] = []
  port2.on('message', (calls: WriterCall[]) => messages.push(calls))
  serveWriter(
    port2,
    { onSessionsEnd: () => () => {}, ...served } as Writer,
    recordLog('debug', record => logs.push(record)),
  )
  t.teardown(() => port1.close())
  return { writer: writerOverPort(port1), messages, logs, port1, port2 }
}

t.test('what ends sessions is told behind the answer of the call that caused it', async t => {
  let tell: TellSessionsEnd = () => {}
  const user = parseName('ada')!
  const { writer } = overPort(t, {
    onSessionsEnd(listener) {
      tell = listener
      return () => {}
    },
    async setUserState() {
      tell({ user, code: 'E_DISABLED' })
      return { changed: true }
    },
  })
  const heard: unknown[] = []
  const told = new Promise<void>(resolve => {
    writer.onSessionsEnd(end => {
      heard.push(end)
      resolve()
    })
  })
  heard.push(await writer.setUserState(user, 'disabled'))
  await told
  t.strictSame(heard, [{ changed: true }, { user, code: 'E_DISABLED' }])
})

t.test('calls of one turn cross in one message, are made in order, and answered each for itself', async t => {
  const made: string[] = []
  const { writer, messages } = overPort(t, {
    async stopJob(id) {
      made.push(`stop ${id}`)
      return { state: 'CANCELLED', requested: true }
    },
    async logGrew(id) {
      made.push(`grew ${id}`)
    },
  })
  const answers = await Promise.all([writer.logGrew(job), writer.stopJob(job), writer.logGrew(job)])
  t.strictSame(answers, [undefined, { state: 'CANCELLED', requested: true }, undefined])
  t.strictSame(made, ['grew 7', 'stop 7', 'grew 7'])
  t.equal(messages.length, 1)
})

t.test('a slow call holds up no other', async t => {
  let finish: () => void = () => {}
  const { writer } = overPort(t, {
    waitForEnd: () => new Promise<void>(resolve => (finish = resolve)),
    logGrew: async () => {},
  })
  const waiting = writer.waitForEnd(1, job, 60_000)
  await writer.logGrew(job)
  finish()
  await waiting
})

t.test('an error of the registry comes through with its code and detail', async t => {
  const { writer, logs } = overPort(t, {
    stopJob: async () => {
      throw new JankinsError('E_JOB_NOT_FOUND', { job: 7 })
    },
  })
  const error = await writer.stopJob(job).catch((error: unknown) => error)
  t.ok(error instanceof JankinsError)
  t.match(error, { code: 'E_JOB_NOT_FOUND', detail: { job: 7 } })
  t.strictSame(logs, [])
})

t.test('a failure of the writer is logged there and is no error of the registry here', async t => {
  const { writer, logs } = overPort(t, {
    setActionActive: async () => {
      throw new TypeError('a bug')
    },
  })
  const error = await writer.setActionActive(parseName('a')!, true).catch((error: unknown) => error)
  t.ok(error instanceof Error && !(error instanceof JankinsError))
  t.match(logs, [{ level: 'error', facts: { method: 'setActionActive' }, stack: /TypeError: a bug/ }])
})

t.test('the end of one side closes the port of the other', async t => {
  const { port1, port2 } = overPort(t, {})
  const closed = once(port2, 'close')
  port1.close()
  await closed
})
