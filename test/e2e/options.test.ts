import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { addAction, startWorker } from '../helpers/jobs.js'
import { cli, startCli, startDaemon, temporaryDirectory } from '../helpers/processes.js'

t.test('exec takes every option of an action, and the job runs as they say', async t => {
  const daemon = await startDaemon(t)
  const directory = temporaryDirectory(t)
  const script = join(directory, 'script')
  writeFileSync(script, '#!/bin/sh\necho "$WORD in $(pwd)"; echo to stderr >&2; echo kept > "$JANKINS_ARTIFACTS/a"\n')
  startWorker(t, daemon, ['--labels', 'linux,fast'])
  const options = ['--env', 'WORD=told', '--dir', directory, '--labels', 'fast', '--timeout', '1m', '--lease', '10s']
  const more = ['--grace', '1s', '--priority', '5', '--retries', '1', '--artifact', '*.none', '--stderr', 'merge']
  const limits = ['--log-limit', '1MiB', '--on-log-limit', 'stop', '--script', script]
  const done = await cli(t, ['exec', ...options, ...more, ...limits, '--wait', '--json'], daemon)
  t.equal(done.code, 0, done.stderr)
  const record = JSON.parse(String(done.stdout).trim().split('\n').at(-1) as string)
  t.match(record, { state: 'COMPLETE', exitCode: 0, priority: 5, labels: ['fast'], dir: directory })
  t.ok(record.artifactBytes > 0)
  const log = await cli(t, ['log', String(record.job), '--stdout'], daemon)
  t.equal(String(log.stdout), `told in ${directory}\nto stderr\n`)
})

t.test('run takes parameters, files and a priority', async t => {
  const daemon = await startDaemon(t)
  const files = temporaryDirectory(t)
  writeFileSync(join(files, 'note'), 'came along\n')
  await addAction(t, daemon, ['read', '--', 'sh', '-c', 'echo "$SAY"; cat note'])
  startWorker(t, daemon)
  const args = ['read', '--param', 'SAY=said', '--with', files, '--priority', '9']
  const ran = await cli(t, ['run', ...args], daemon)
  t.equal(String(ran.stdout), 'said\ncame along\n')
  t.match(JSON.parse(String((await cli(t, ['query', '--json'], daemon)).stdout)), { priority: 9 })
})

t.test('a worker takes its name, labels, directory and servers from jankins.conf', async t => {
  const [first, second] = [await startDaemon(t), await startDaemon(t)]
  const directory = temporaryDirectory(t)
  const state = join(directory, 'state')
  mkdirSync(state)
  const servers = [first, second].map((daemon, at) => {
    const passwordFile = join(directory, `password-${at}`)
    writeFileSync(passwordFile, daemon.password, { mode: 0o600 })
    const { host, port } = daemon.address
    return `[[worker.server]]\naddress = "${host}:${port}"\nuser = "admin"\npassword_file = "${passwordFile}"\n`
  })
  const conf = join(directory, 'jankins.conf')
  writeFileSync(conf, `[worker]\nname = "from-conf"\nlabels = ["conf"]\ndir = "${state}"\n\n${servers.join('\n')}`)
  startCli(t, ['work', '--config', conf])
  for (const daemon of [first, second]) {
    const done = await cli(t, ['exec', '--labels', 'conf', '--wait', '--json', '--', 'true'], daemon)
    t.match(JSON.parse(String(done.stdout).trim().split('\n').at(-1) as string), { worker: 'from-conf', exitCode: 0 })
  }
  t.ok(existsSync(join(state, 'attempts')))
})
