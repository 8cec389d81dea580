// A daemon and a worker in a temporary directory, built and restarted whenever a source file changes. Ctrl-C ends both.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const checkout = resolve(import.meta.dirname, '..')
const directory = mkdtempSync(join(tmpdir(), 'jankins-dev-'))
const environment = {
  ...process.env,
  JANKINS_SERVER: `127.0.0.1:${process.env.PORT ?? 5265}`,
  JANKINS_USER: 'admin',
  JANKINS_PASSWORD_FILE: join(directory, 'data/admin-password'),
}
let running = []
let pending

for (const folder of ['protocol', 'lib', 'bin'])
  watch(join(checkout, folder), { recursive: true }, () => {
    clearTimeout(pending)
    pending = setTimeout(restart, 200)
  })
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, async () => {
    await end()
    rmSync(directory, { recursive: true, force: true })
    process.exit(0)
  })
for (const name of ['JANKINS_SERVER', 'JANKINS_USER', 'JANKINS_PASSWORD_FILE'])
  console.log(`export ${name}=${environment[name]}`)
await restart()

async function restart() {
  await end()
  if (spawnSync(process.execPath, ['scripts/build.mjs'], { cwd: checkout, stdio: 'inherit' }).status !== 0) return
  const port = environment.JANKINS_SERVER.split(':')[1]
  const daemon = start('jankinsd', ['--port', port, '--data', join(directory, 'data')], ['ignore', 'pipe', 'inherit'])
  daemon.stdout.pipe(process.stdout)
  await once(daemon.stdout, 'data')
  start('jankins', ['work', '--name', 'dev', '--dir', join(directory, 'worker'), '--jobs', '2'], 'inherit')
}

function start(name, args, stdio) {
  const child = spawn(process.execPath, [join(checkout, 'dist/bin', `${name}.js`), ...args], {
    env: environment,
    stdio,
  })
  running.push(child)
  return child
}

async function end() {
  const children = running.reverse()
  running = []
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
}
