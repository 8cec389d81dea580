import { fstatSync } from 'node:fs'
import t from 'tap'
import type { LogFormat } from '../../lib/base/log.js'
import { type LogRecord, recordLog } from '../../lib/base/log.js'
import { createLog, formatOf } from '../../lib/base/log-output.js'
import { FakeClock } from '../helpers/clock.js'

const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 6)

function logTo(format: LogFormat, level: 'debug' | 'info' | 'warn' | 'error' = 'debug') {
  const lines: string[] = []
  const output = { write: (line: string) => void lines.push(line) }
  return { log: createLog({ level, format, clock: new FakeClock(AT), output }), lines }
}

t.test('json has one object per line, with level, time and facts', async t => {
  const { log, lines } = logTo('json')
  log.warn('too late', { job: 7, missing: undefined })
  log.error('broke', {}, new Error('outer', { cause: new Error('inner') }))
  t.strictSame(JSON.parse(lines[0]!), { level: 'warn', time: '2026-01-02T03:04:05.006Z', job: 7, message: 'too late' })
  t.match(JSON.parse(lines[1]!).stack, /^Error: outer[\s\S]*caused by Error: inner/)
  t.ok(lines.every(line => line.indexOf('\n') === line.length - 1))
})

t.test('text is for people, and no text of a peer can steer the terminal', async t => {
  const { log, lines } = logTo('text')
  log.info('hello', { user: 'a b', job: 7, evil: '\x1b[2Jx\ny' })
  t.equal(lines[0], '2026-01-02T03:04:05.006Z info  hello user="a b" job=7 evil="\\u001b[2Jx\\ny"\n')
  log.info('line\nbreak\x9b')
  t.equal(lines[1], '2026-01-02T03:04:05.006Z info  line break \n')
})

t.test('a journal gets the priority on every line', async t => {
  const { log, lines } = logTo('journal')
  log.debug('d')
  log.info('i')
  log.warn('w')
  log.error('e', {}, Object.assign(new Error('x'), { stack: 'Error: x\n    at y' }))
  t.strictSame(lines, ['<7>d\n', '<6>i\n', '<4>w\n', '<3>e\n<3>Error: x\n<3>    at y\n'])
})

t.test('less urgent lines than the level are left out', async t => {
  const { log, lines } = logTo('journal', 'warn')
  log.debug('d')
  log.info('i')
  log.warn('w')
  t.strictSame(lines, ['<4>w\n'])
})

t.test('a record of another thread is written as if it were made here', async t => {
  const { log, lines } = logTo('journal', 'warn')
  const records: LogRecord[] = []
  recordLog('info', record => records.push(structuredClone(record))).error('broke', { n: 1 }, 'a text')
  for (const record of records) log.write(record)
  t.strictSame(lines, ['<3>broke n=1\n<3>a text\n'])
})

t.test('auto is journal where stderr is one, text on a terminal, else json', async t => {
  const { dev, ino } = fstatSync(2)
  t.equal(formatOf({ JOURNAL_STREAM: `${dev}:${ino}` }, true), 'journal')
  t.equal(formatOf({ JOURNAL_STREAM: '1:1' }, true), 'text')
  t.equal(formatOf({}, false), 'json')
})
