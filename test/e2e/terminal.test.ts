import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { cli, type DaemonProcess, startCli, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { missingTerminal, openTerminal } from '../helpers/terminal.js'

const skip = missingTerminal

/** A worker that runs jobs of an action `long`, which goes on until it is stopped. */
async function withWorker(t: Test, daemon: DaemonProcess): Promise<void> {
  const { env } = daemon
  const script = join(temporaryDirectory(t), 'script')
  writeFileSync(script, 'echo begun\nwhile :; do sleep 0.1; done\n')
  await cli(t, ['add-action', 'long', '--grace', '1s', '--script', script], { env })
  startCli(t, ['work', '--name', 'box', '--dir', join(temporaryDirectory(t), 'state')], { env })
}

t.test('a password is asked for without echo, and who is logged in is told', { skip }, async t => {
  const daemon = await startDaemon(t)
  const terminal = await openTerminal(t, daemon, { JANKINS_SERVER: daemon.env.JANKINS_SERVER as string })
  await terminal.type('jankins login admin --profile lab')
  await terminal.shows(/password of admin at .*:/)
  await terminal.press('C-z')
  await terminal.type(daemon.password)
  t.notMatch(await terminal.shows(/logged in at .* as admin/), daemon.password)
  await terminal.type('jankins whoami --profile lab; jankins ping --profile lab')
  await terminal.shows(/admin, role admin, at /)
  t.match(await terminal.shows(/clock +of the daemon/), /round trip +[\d.]+ ms, the quickest of 3/)
})

t.test('Ctrl-C asks; s stops the job, and run exits as it did', { skip }, async t => {
  const daemon = await startDaemon(t)
  await withWorker(t, daemon)
  const terminal = await openTerminal(t, daemon)
  await terminal.type('jankins run long; echo "status $?"')
  await terminal.shows(/begun/)
  await terminal.press('C-c')
  await terminal.shows(/stop job 1 \(s\), stop watching \(w\), or go on \(Enter\):/)
  await terminal.type('s')
  t.match(await terminal.shows(/status \d/), /job 1 CANCELLED: .*stopped.*\nstatus 130/)
})

t.test('a second Ctrl-C leaves the job running', { skip }, async t => {
  const daemon = await startDaemon(t)
  await withWorker(t, daemon)
  const terminal = await openTerminal(t, daemon)
  await terminal.type('jankins run long; echo "status $?"')
  await terminal.shows(/begun/)
  await terminal.press('C-c')
  await terminal.shows(/or go on \(Enter\):/)
  await terminal.press('C-c')
  t.match(await terminal.shows(/status \d/), /job 1 goes on; see jankins log 1 --follow\nstatus 130/)
  const { stdout } = await cli(t, ['query', '1', '--json'], { env: daemon.env })
  t.match(JSON.parse(stdout.toString()), { state: 'RUNNING' })
  await cli(t, ['stop', '1', '--wait'], { env: daemon.env })
})

t.test('watch fills the screen, and what was there comes back at each end', { skip }, async t => {
  const daemon = await startDaemon(t)
  await withWorker(t, daemon)
  const terminal = await openTerminal(t, daemon)
  const pidFile = join(temporaryDirectory(t), 'pid')
  const ends: [name: string, end: () => Promise<unknown>, status: number][] = [
    ['q', () => terminal.press('q'), 0],
    ['Ctrl-C', () => terminal.press('C-c'), 0],
    ['SIGTERM', async () => process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM'), 143],
  ]
  for (const [name, end, status] of ends) {
    await terminal.type(`clear; echo before; sh -c 'echo $$ > ${pidFile}; exec jankins watch'; echo "status $?"`)
    const seen = await terminal.shows(/WORKER +USER/)
    t.match(seen, /jankins \d.* running, .* waiting, .* workers/)
    t.notMatch(seen, 'before')
    await end()
    t.match(await terminal.shows(/status \d/), new RegExp(`before\n(.*\n)*status ${status}\n`), name)
  }
})

t.test('waiting for a job shows how it stands, and the line is gone at the end', { skip }, async t => {
  const daemon = await startDaemon(t)
  const { env } = daemon
  await cli(t, ['add-action', 'a', '--', 'true'], { env })
  const terminal = await openTerminal(t, daemon)
  await terminal.type('jankins queue a --wait; echo "status $?"')
  await terminal.shows(/waiting for job 1: PENDING, [\d.]+s/)
  startCli(t, ['work', '--name', 'box', '--dir', join(temporaryDirectory(t), 'state'), '--once'], { env })
  t.notMatch(await terminal.shows(/status 0/), /waiting for/)
})
