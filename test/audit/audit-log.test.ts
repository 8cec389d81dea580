import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type AuditLog, openAuditLog } from '../../lib/audit/audit-log.js'
import { type EntryText, entryText } from '../../lib/audit/line.js'
import { verifyAudit } from '../../lib/audit/verify.js'
import { type Log, silentLog } from '../../lib/base/log.js'
import { FakeClock } from '../helpers/clock.js'

const entry = (user: string): EntryText => entryText({ method: 'user.add', address: '10.0.0.7:5', connection: 1, user })

function write(log: AuditLog, ...users: string[]): void {
  for (const user of users) log.note(entry(user))
  log.write()
}

/** A log of these lines, closed. */
function logOf(t: Test, users: readonly string[], fileBytesMax?: number): string {
  const dataDir = t.testdir()
  const log = openAuditLog(dataDir, new FakeClock(), silentLog, fileBytesMax)
  for (const user of users) write(log, user)
  log.close()
  return dataDir
}

const linesOf = (dataDir: string, file = 'audit.log'): string[] =>
  readFileSync(join(dataDir, file), 'utf8').trimEnd().split('\n')

function change(dataDir: string, by: (lines: string[]) => readonly string[]): void {
  writeFileSync(
    join(dataDir, 'audit.log'),
    by(linesOf(dataDir))
      .map(line => `${line}\n`)
      .join(''),
  )
}

t.test('lines are chained, numbered and dated, in a file for its owner alone, and go on after a restart', async t => {
  const dataDir = logOf(t, ['ada', 'bob'])
  const again = openAuditLog(dataDir, new FakeClock(), silentLog)
  write(again, 'eve', 'mallory')
  again.close()
  for (const file of ['audit.log', 'audit.head']) t.equal(statSync(join(dataDir, file)).mode & 0o777, 0o600)
  const lines = linesOf(dataDir).map(line => JSON.parse(line))
  t.match(lines, [
    { line: 1, user: 'ada', at: /^2\d{3}-.*Z$/, previous: '0'.repeat(64) },
    { line: 2, user: 'bob', method: 'user.add', address: '10.0.0.7:5' },
    { line: 3, user: 'eve' },
    { line: 4, user: 'mallory', previous: /^[0-9a-f]{64}$/ },
  ])
  t.match(await verifyAudit({ dataDir }), { lines: 4, problems: [] })
})

t.test('a line that was changed, removed, added or moved is named', async t => {
  const cases: [what: string, by: (lines: string[]) => readonly string[], problems: RegExp[]][] = [
    ['changed', lines => lines.map((l, i) => (i === 1 ? l.replace('bob', 'eve') : l)), [/line 2 was changed/]],
    ['removed', lines => lines.filter((_, i) => i !== 1 && i !== 2), [/lines 2 to 3 are missing/]],
    ['cut', lines => lines.slice(0, -1), [/line 5 is missing at the end/]],
    [
      'last changed',
      lines => lines.map((l, i) => (i === 4 ? l.replace('five', 'six') : l)),
      [/line 5 was changed: it is/],
    ],
    ['first removed', lines => lines.slice(1), []],
    ['doubled', lines => [...lines.slice(0, 2), ...lines.slice(1)], [/line 2 stands behind line 2/]],
    [
      'garbled',
      lines => lines.map((l, i) => (i === 2 ? l.slice(5) : l)),
      [/line 3 cannot be read/, /line 3 was changed/],
    ],
    [
      'another beginning',
      lines => lines.map((l, i) => (i === 0 ? l.replace('000000', '111111') : l)),
      [/line 1/, /line 1/],
    ],
  ]
  const dataDir = logOf(t, ['ada', 'bob', 'eve', 'four', 'five'])
  const whole = readFileSync(join(dataDir, 'audit.log'))
  for (const [what, by, expected] of cases) {
    writeFileSync(join(dataDir, 'audit.log'), whole)
    change(dataDir, by)
    const { problems } = await verifyAudit({ dataDir })
    t.equal(problems.length, expected.length, `${what}: ${problems.join('; ')}`)
    for (const [index, pattern] of expected.entries()) t.match(problems[index], pattern, what)
  }
  writeFileSync(join(dataDir, 'audit.log'), whole)
  const { lines, problems } = await verifyAudit({ file: join(dataDir, 'audit.log') })
  t.strictSame([lines, problems], [5, []])
  rmSync(join(dataDir, 'audit.head'))
  t.match((await verifyAudit({ dataDir })).problems, [/audit.head is missing/])
})

t.test('half a line at the end, of a daemon that was killed, is cut off; the chain goes on', async t => {
  const dataDir = logOf(t, ['ada'])
  appendFileSync(join(dataDir, 'audit.log'), '{"line":2,"at":"20')
  const log = openAuditLog(dataDir, new FakeClock(), silentLog)
  write(log, 'bob')
  log.close()
  t.match(await verifyAudit({ dataDir }), { lines: 2, problems: [] })
})

t.test('lines that were cut off while the daemon was down are told at its start, and stay missing', async t => {
  const dataDir = logOf(t, ['ada', 'bob', 'eve'])
  change(dataDir, lines => lines.slice(0, 1))
  const errors: string[] = []
  const told: Log = { ...silentLog, error: message => errors.push(message) }
  const log = openAuditLog(dataDir, new FakeClock(), told)
  t.match(errors, [/last lines of the audit log are gone/])
  write(log, 'mallory')
  log.close()
  t.match((await verifyAudit({ dataDir })).problems, ['audit.log: lines 2 to 3 are missing'])
  truncateSync(join(dataDir, 'audit.log'))
  openAuditLog(dataDir, new FakeClock(), told).close()
  t.equal(errors.length, 2)
})

t.test('a full file is followed by another one, and the chain leads across', async t => {
  const users = Array.from({ length: 20 }, (_, n) => `user-${n}`)
  const dataDir = logOf(t, users, 1_000)
  const files = readdirSync(dataDir).filter(name => name.startsWith('audit-'))
  t.ok(files.length >= 3, files.join())
  t.match(await verifyAudit({ dataDir }), { lines: 20, problems: [] })
  const [oldest = '', second = ''] = files.sort()
  rmSync(join(dataDir, oldest))
  t.match(await verifyAudit({ dataDir }), { problems: [] }, 'the oldest may be moved away')
  const log = openAuditLog(dataDir, new FakeClock(), silentLog)
  write(log, 'next')
  log.close()
  t.match(JSON.parse(linesOf(dataDir).at(-1) ?? ''), { line: 21 })
  rmSync(join(dataDir, second))
  rmSync(join(dataDir, 'audit.log'))
  t.match((await verifyAudit({ dataDir })).problems, [/missing/])
})

t.test('no audit log is not a whole one; that of a daemon that has done nothing is', async t => {
  const dataDir = t.testdir()
  const none = `there is no audit log in ${dataDir}`
  t.match(await verifyAudit({ dataDir }), { lines: 0, problems: [none] })
  openAuditLog(dataDir, new FakeClock(), silentLog).close()
  t.match(await verifyAudit({ dataDir }), { lines: 0, problems: [] })
  rmSync(join(dataDir, 'audit.log'))
  t.match(await verifyAudit({ dataDir }), { lines: 0, problems: [none] }, 'audit.head alone, of no line')
  const used = logOf(t, ['ada', 'bob'])
  rmSync(join(used, 'audit.log'))
  t.strictSame((await verifyAudit({ dataDir: used })).problems, [
    `there is no audit log in ${used}`,
    'lines 1 to 2 are missing at the end',
  ])
})

t.test('a burst between two writes loses no line', async t => {
  const dataDir = t.testdir()
  const log = openAuditLog(dataDir, new FakeClock(), silentLog)
  for (let n = 0; n < 10_000; n++) log.note(entry(`user-${n}`))
  log.write()
  log.close()
  const users = linesOf(dataDir).map(line => JSON.parse(line).user)
  t.strictSame(
    users,
    Array.from({ length: 10_000 }, (_, n) => `user-${n}`),
  )
  t.match(await verifyAudit({ dataDir }), { lines: 10_000, problems: [] })
})

t.test('what cannot be written is kept for the next time, up to a limit that is told', async t => {
  const dataDir = logOf(t, ['ada'])
  const log = openAuditLog(dataDir, new FakeClock(), silentLog, 1)
  const inTheWay = join(dataDir, 'audit-000000000001.log')
  mkdirSync(inTheWay)
  for (let n = 0; n < 5_000; n++) log.note(entry(`user-${n}`))
  t.throws(() => log.write(), { code: 'EISDIR' })
  rmdirSync(inTheWay)
  log.write()
  log.write()
  log.close()
  const lines = linesOf(dataDir).map(line => JSON.parse(line))
  t.match(lines[0], { method: 'audit.dropped', count: 904 })
  t.match([lines.length, lines.at(-1)], [4_097, { user: 'user-4999' }])
  t.match(await verifyAudit({ dataDir }), { problems: [] })
})

const SCRIPT = `
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
const { openAuditLog } = await import(process.env.MODULE)
mkdirSync('t')
writeFileSync('filler', '')
const log = openAuditLog('t', { nowMs: () => 0, after: () => ({ cancel() {} }) }, console, 1)
const write = () => {
  log.note(JSON.stringify({ method: 'user.add', address: '', connection: 1 }))
  try { log.write(); console.log('written') } catch ({ code }) { console.log(code) }
}
for (let count = 0; count < 3; count++) write()
rmSync('filler')
write()
`
const alone = [
  '-rm',
  'sh',
  '-ec',
  'mount -t tmpfs -o nr_inodes=5 none "$1" && cd "$1" && exec "$2" --input-type=module',
]
const unshared = (dir: string, input = '') =>
  spawnSync('unshare', [...alone, 'sh', dir, process.execPath], {
    input,
    env: { MODULE: new URL('../../lib/audit/audit-log.js', import.meta.url).href },
  })

const missing = unshared(tmpdir()).status === 0 ? false : 'no file system of a few files can be mounted here'

t.test('where the next file cannot be begun, lines wait until it can', { skip: missing }, async t => {
  t.equal(String(unshared(t.testdir(), SCRIPT).stdout), 'written\nENOSPC\nENOSPC\nwritten\n')
})
