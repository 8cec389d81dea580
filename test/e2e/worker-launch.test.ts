import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import { newCookie } from '../../lib/worker/environment.js'
import { attemptText } from '../../lib/worker/machine/launch-text.js'
import { openMachine } from '../../lib/worker/machine/linux.js'
import { readStat } from '../../lib/worker/machine/proc.js'
import type { Grant } from '../../protocol/views.js'
import { nameOf, startBench, stayAlive, tempDir, until } from '../helpers/worker-bench.js'

const sh = (script: string): string[] => ['sh', '-c', script]

const ODD: [string, string][] = [
  ['QUOTES', `'"\`$(echo no)\\'`],
  ['LINES', 'one\n two\n'],
  ['TEXT', 'ā \u0001 ☃ \u{1f600}'],
  ['EMPTY', ''],
  ['STAR', '* ~ !'],
]

t.test('a job has the same environment, byte for byte, by a shell that waits and without', async t => {
  const bench = await startBench(t)
  const seen = []
  for (const shellsAhead of [1, 0]) {
    const job = await bench.exec({ command: ['cat', '/proc/self/environ'], environment: ODD })
    await (await bench.work({ shellsAhead })).result
    t.match(await bench.ended(job), { state: 'COMPLETE', exitCode: 0 })
    const text = String(await bench.log(job))
    for (const [name, value] of ODD) t.ok(text.includes(`${name}=${value}\0`), name)
    const own = /^(JANKINS_(JOB|WORKSPACE|ARTIFACTS|COOKIE_[0-9a-f]+)|PWD)=/
    const variables = text.split('\0').filter(variable => !own.test(variable))
    seen.push(variables.sort())
  }
  t.strictSame(seen[0], seen[1])
})

t.test('what the environment of a job holds shows in no list of arguments', async t => {
  const bench = await startBench(t)
  const look = 'cat /proc/[0-9]*/cmdline >all; echo "$HIDDEN" >pattern; grep -c -f pattern all; grep -c -a cmdline all'
  const job = await bench.exec({ command: sh(look), environment: [['HIDDEN', `hidden-${Date.now()}`]] })
  await (await bench.work()).result
  await bench.ended(job)
  t.match(String(await bench.log(job)), /^0\n[1-9]/)
})

t.test('when the launcher is killed its jobs go on, and the next ones are started without it', async t => {
  const bench = await startBench(t)
  const go = join(await tempDir(t), 'go')
  const command = sh('while [ ! -e "$GO" ]; do sleep 0.05; done; exit 6')
  const running = await bench.exec({ command, environment: [['GO', go]] })
  const working = await bench.work({ mode: { kind: 'loop' }, slots: 2 })
  await until('it runs', () => hasBegun(bench.stateDir))
  const [launcher] = launchers()
  t.ok(launcher)
  process.kill(launcher!, 'SIGKILL')
  await until('the launcher is gone', () => launchers().length === 0)
  const next = await bench.exec({ command: sh('exit 5') })
  t.match(await bench.ended(next), { state: 'COMPLETE', exitCode: 5 })
  writeFileSync(go, '')
  t.match(await bench.ended(running), { state: 'COMPLETE', exitCode: 6 })
  working.drain()
  await working.result
})

t.test('a shell that begins late does not run a job whose end was told', async t => {
  stayAlive(t)
  const stateDir = await tempDir(t)
  const machine = await openMachine({ stateDir, clock: systemClock, useCgroup: false, shellsAhead: 1 })
  const cookie = newCookie(machine.random)
  const grant = { job: 1, attempt: 1, lease: machine.random(16), command: ['touch', 'ran'], stderr: 'apart' }
  const record = { grant: grant as unknown as Grant, server: 'nowhere:1', user: nameOf('tester'), cookie }
  const files = await machine.attempts.create(record)
  await files.markLaunched()
  t.strictSame(await (await machine.executor.adopt(files)).ended, {})
  const environment = { PATH: String(process.env.PATH), [cookie.name]: cookie.value }
  await t.rejects(machine.executor.start(files, environment), /could not begin/)
  t.notOk(existsSync(join(files.workspaceDir, 'ran')))
  await files.remove()
  await machine.release()
})

t.test('what a shell cannot hand on as it is, is left to a direct start', async t => {
  t.equal(attemptText({ PLAIN: 'x' }, ['dir', "it's"]), `export PLAIN='x'; _jankins_run 'dir' 'it'\\''s'\n`)
  for (const environment of [
    { PPID: '1' },
    { OPTIND: 'x' },
    { _jankins_now: '1' },
    { LONG: 'x'.repeat(70_000) },
    { NUL: '\0' },
  ])
    t.equal(attemptText(environment, ['dir']), undefined)
})

/** Process numbers of the launchers of this process. */
const launchers = (): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter(pid => {
      try {
        if (readFileSync(`/proc/${pid}/cmdline`, 'latin1') !== '/bin/sh\0-s\0') return false
        const parent = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
        return Number(parent) === process.pid && readStat(pid)?.group === pid
      } catch {
        return false
      }
    })

const hasBegun = (stateDir: string): boolean =>
  readdirSync(join(stateDir, 'attempts')).some(name => existsSync(join(stateDir, 'attempts', name, 'status')))
