import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { startBench } from '../helpers/worker-bench.js'

const sh = (script: string): string[] => ['sh', '-c', script]

t.test('a job gives its exit code and both streams, and leaves no directory behind', async t => {
  const bench = await startBench(t)
  const job = await bench.run({ command: sh('echo out; echo err >&2; exit 7') })
  t.match(job, { state: 'COMPLETE', exitCode: 7, treeLayer: 'cookie', worker: 'tester', logBytes: 8 })
  t.equal(job.reason, undefined)
  t.equal(String(await bench.log(job.job)), 'out\n')
  t.equal(String(await bench.log(job.job, 'stderr')), 'err\n')
  t.strictSame(await readdir(join(bench.stateDir, 'attempts')), [])
})

t.test('bytes that are no text come back as they were', async t => {
  const bench = await startBench(t)
  const job = await bench.run({ command: sh("printf '\\000\\377\\376\\r\\n\\303('") })
  t.equal((await bench.log(job.job)).toString('hex'), '00fffe0d0ac328')
})

t.test('a log larger than any frame arrives whole', async t => {
  const bench = await startBench(t)
  const job = await bench.run({ command: sh('seq 1 300000; seq 1 100000 >&2') })
  const lines = (count: number): string => Array.from({ length: count }, (_, index) => `${index + 1}\n`).join('')
  t.equal(job.state, 'COMPLETE')
  t.ok((await bench.log(job.job)).equals(Buffer.from(lines(300_000))), 'stdout')
  t.ok((await bench.log(job.job, 'stderr')).equals(Buffer.from(lines(100_000))), 'stderr')
})

t.test('stderr can be merged into stdout', async t => {
  const bench = await startBench(t)
  const job = await bench.run({ command: sh('echo 1; echo 2 >&2; echo 3'), stderr: 'merge' })
  t.equal(String(await bench.log(job.job)), '1\n2\n3\n')
  t.equal(String(await bench.log(job.job, 'stderr')), '')
})

t.test('commands that cannot run end as a shell would end them', async t => {
  const bench = await startBench(t)
  const cases = [
    { name: 'unknown', definition: { command: ['no-such-program-here'] }, exitCode: 127 },
    { name: 'a builtin of the shell is no program', definition: { command: ['exit', '3'] }, exitCode: 127 },
    { name: 'not executable', definition: { command: ['/etc/passwd'] }, exitCode: 126 },
    { name: 'no such directory', definition: { command: ['true'], dir: '/no/such/dir' }, exitCode: 126 },
    { name: 'killed by itself', definition: { command: sh('kill -9 $$') }, exitCode: 137 },
  ]
  for (const { name, definition, exitCode } of cases) {
    const job = await bench.run(definition)
    t.match(job, { state: 'COMPLETE', exitCode }, name)
    t.equal(job.signal, undefined, name)
  }
})

t.test('a script is run by its #! line, or by sh', async t => {
  const bench = await startBench(t)
  const script = '#!/usr/bin/env -S sh -e\necho "from $0" | grep -o script\nfalse\necho not reached\n'
  const first = await bench.run({ script })
  t.equal(first.exitCode, 1)
  t.equal(String(await bench.log(first.job)), 'script\n')
  const second = await bench.run({
    script: 'echo "$GREETING; $(pwd)" && exit 4',
    environment: [['GREETING', '$(id) "\'`']],
  })
  t.equal(second.exitCode, 4)
  t.match(String(await bench.log(second.job)), /^\$\(id\) "'`; .*\/workspace\n$/)
})
