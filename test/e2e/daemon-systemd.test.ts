import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { listenAsSystemd, python } from '../helpers/notify.js'
import { cli, runDaemon, startDaemon, temporaryDirectory } from '../helpers/processes.js'

t.test('a socket that systemd hands over is taken, whatever the config says', async t => {
  const daemon = await startDaemon(t, { by: python('inherit-socket.py'), config: 'host = "192.0.2.1"\n' })
  t.equal(daemon.address.host, '127.0.0.1')
  t.equal((await daemon.connect()).role, 'admin')
  t.equal((await cli(t, ['status'], { env: daemon.env })).code, 0)
  t.equal((await daemon.stop()).code, 0)
})

t.test('a socket beyond loopback that systemd hands over needs allow_plaintext too', async t => {
  const by = python('inherit-socket.py')
  const env = { ANY_ADDRESS: '1' }
  const { code, stderr } = await runDaemon(t, ['--data', join(temporaryDirectory(t), 'data')], { by, env })
  t.equal(code, 2)
  t.match(stderr, /^jankinsd: listening on 0\.0\.0\.0 .*allow_plaintext = true/m)
  const daemon = await startDaemon(t, { by, env, config: 'allow_plaintext = true\n' })
  t.equal(daemon.address.host, '0.0.0.0')
})

t.test('descriptors that were meant for another process are left alone', async t => {
  const env = { LISTEN_FDS: '1', LISTEN_PID: '1' }
  const daemon = await startDaemon(t, { env })
  t.equal((await daemon.connect()).role, 'admin')
})

t.test('systemd hears when the daemon is ready and when it stops', { skip: missing('systemd-notify') }, async t => {
  const { path, heard } = await listenAsSystemd(t)
  const daemon = await startDaemon(t, { env: { NOTIFY_SOCKET: path } })
  t.match(await heard(), /^READY=1$/m)
  t.equal((await daemon.connect()).role, 'admin', 'ready means that it answers')
  t.match(await heard(), /^STATUS=\d+ connections; 0 jobs running, 0 waiting$/)
  t.equal((await daemon.stop()).code, 0)
  let said = await heard()
  while (said.startsWith('STATUS=')) said = await heard()
  t.match(said, /^STOPPING=1$/m)
})

t.test('systemd hears again and again that all goes on', { skip: missing('systemd-notify') }, async t => {
  const { path, heard } = await listenAsSystemd(t)
  await startDaemon(t, { env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '300000' } })
  t.match(await heard(), /^READY=1$/m)
  for (let i = 0; i < 3; i++) t.match(await heard(), /^STATUS=.*\nWATCHDOG=1$/)
})

t.test('a reload says what was changed and what needs a restart', { skip: missing('systemd-notify') }, async t => {
  const { path, heard } = await listenAsSystemd(t)
  const config = join(temporaryDirectory(t), 'jankins.conf')
  writeFileSync(config, 'log_format = "json"\n')
  const daemon = await startDaemon(t, { args: ['--config', config], env: { NOTIFY_SOCKET: path } })
  const heardReload = async (): Promise<void> => {
    let said = await heard()
    while (!said.startsWith('RELOADING=1')) said = await heard()
    t.match(said, /^RELOADING=1\nMONOTONIC_USEC=\d+$/)
    while (said !== 'READY=1') said = await heard()
  }
  t.match(await heard(), /^READY=1$/m)
  writeFileSync(config, 'log_format = "text"\nconnections_per_user = 1\nbuffer = "2MiB"\n')
  daemon.child.kill('SIGHUP')
  await heardReload()
  t.ok(await daemon.said(/info {2}a key of the configuration was changed key=connections_per_user/))
  t.ok(await daemon.said(/warn {2}a key of the configuration was changed, and needs a restart key=buffer/))
  await daemon.connect()
  await t.rejects(daemon.connect(), { code: 'E_TOO_MANY' }, 'the new limit holds')
  writeFileSync(config, 'log_level = "loud"\n')
  daemon.child.kill('SIGHUP')
  await heardReload()
  t.ok(await daemon.said(/error the configuration was not taken over, all stays as it was reason=.*log_level must be/))
  t.equal((await daemon.stop()).code, 0)
})

/** Why a test that needs this program is skipped; false where it can run. */
function missing(program: string): string | false {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    return `NOT TESTED: ${program} is missing`
  }
}
