// jankins compiles jankins: a daemon, a worker and the command line on a free loopback port in a temporary directory.
// Nothing is left running and nothing is left on the disk.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const run = promisify(execFile)
const checkout = resolve(import.meta.dirname, '..')
const bin = name => join(checkout, 'dist/bin', `${name}.js`)
const directory = await mkdtemp(join(tmpdir(), 'jankins-demo-'))
const children = []

const SCRIPT = `set -eu
ln -s "$NODE_MODULES" node_modules
echo "types: tsc --noEmit"
node node_modules/typescript/bin/tsc --noEmit
echo "build: $(git --version >/dev/null 2>&1 && echo with || echo without) git at hand, no network needed"
node scripts/build.mjs
ls -l dist/bin/jankins.js dist/bin/jankinsd.js
`

try {
  say('a daemon with a new database')
  const daemon = start('jankinsd', ['--port', '0', '--data', join(directory, 'data')], {}, [
    'ignore',
    'pipe',
    'inherit',
  ])
  const [ready] = await once(createInterface({ input: daemon.stdout }), 'line')
  console.log(ready)
  const server = ready.split(' ').at(-1)

  const admin = account('admin', server, join(directory, 'data', 'admin-password'))
  const boxPassword = join(directory, 'box-password')
  await writeFile(boxPassword, 'the demo worker keeps this in a file\n', { mode: 0o600 })
  const box = account('box', server, boxPassword)

  say('an account for the worker, and an action that compiles jankins')
  await jankins(admin, ['users', 'add', 'box', '--role', 'worker', '--password-file', boxPassword])
  const script = join(directory, 'compile.sh')
  await writeFile(script, SCRIPT)
  await jankins(admin, ['add-action', 'compile', '--script', script, '--artifact', 'dist', '--timeout', '5m'])

  say('a job; this checkout travels with it')
  const modules = `NODE_MODULES=${join(checkout, 'node_modules')}`
  const job = (await jankins(admin, ['queue', 'compile', '--with', checkout, '-p', modules])).trim()

  say('a worker')
  const worker = start('jankins', ['work', '--name', 'demo', '--dir', join(directory, 'worker')], box)

  say(`the log of job ${job}, live`)
  const log = start('jankins', ['log', job, '--follow'], admin)
  const [logStatus] = await once(log, 'exit')
  check(logStatus === 0, `the job ended with status ${logStatus}`)

  say('what the daemon says of it')
  await jankins(admin, ['query', job])
  const [record] = (await jankins(admin, ['query', job, '--json'], true))
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  check(record.state === 'COMPLETE' && record.exitCode === 0, `the job is ${record.state} ${record.exitCode}`)

  say('its artifacts')
  const result = join(directory, 'result')
  await jankins(admin, ['fetch', job, '-o', result])
  const built = join(result, 'dist/bin/jankins.js')
  const { stdout: version } = await run(process.execPath, [built, '--version'])
  const { version: expected } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8'))
  check(version.trim() === expected, `the fetched program says ${version.trim()}, not ${expected}`)
  console.log(`the jankins that the job built runs and says: ${version.trim()}`)

  say('the end: worker, then daemon')
  await stop(worker)
  await stop(daemon)
  console.log('done: queued, ran, logged, fetched, checked; nothing is left running')
} finally {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  await rm(directory, { recursive: true, force: true })
}

function start(name, args, environment = {}, stdio = 'inherit') {
  const child = spawn(process.execPath, [bin(name), ...args], { env: { ...process.env, ...environment }, stdio })
  children.push(child)
  return child
}

async function jankins(environment, args, quiet = false) {
  if (!quiet) console.log(`$ jankins ${args.join(' ')}`)
  const { stdout } = await run(process.execPath, [bin('jankins'), ...args], { env: { ...process.env, ...environment } })
  if (!quiet) process.stdout.write(stdout)
  return stdout
}

async function stop(child) {
  child.kill('SIGTERM')
  const [status] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode]
  check(status === 0, `process ${child.pid} ended with status ${status}`)
}

function account(user, server, passwordFile) {
  return {
    JANKINS_SERVER: server,
    JANKINS_USER: user,
    JANKINS_PASSWORD_FILE: passwordFile,
    JANKINS_PASSWORD: '',
    JANKINS_CONFIG: '',
    XDG_CONFIG_HOME: join(directory, 'config'),
  }
}

function check(holds, otherwise) {
  if (!holds) throw new Error(otherwise)
}

function say(what) {
  console.log(`\n-- ${what}`)
}
