import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import t from 'tap'
import { listenAsSystemd } from '../helpers/notify.js'
import { cli, startDaemon, temporaryDirectory } from '../helpers/processes.js'

const UNIT = 'systemd/jankinsd.service'
const EXPOSURE_MAX = 2.0
const isThere = (command: string): boolean => spawnSync(command, ['--version']).status === 0
const hasSystemd = isThere('systemd-analyze')

t.test(
  'the unit of the daemon is one that systemd takes, and exposes little',
  { skip: hasSystemd ? false : 'SYSTEMD-ANALYZE IS MISSING: the unit is not checked' },
  async t => {
    const copy = join(temporaryDirectory(t), 'jankinsd.service')
    const unit = readFileSync(UNIT, 'utf8')
    // Where jankins is not installed, the program is missing: that is no fault of the unit.
    writeFileSync(copy, unit.replace('/usr/bin/jankinsd', process.execPath))
    const socket = join(dirname(copy), 'jankinsd.socket')
    copyFileSync('systemd/jankinsd.socket', socket)
    const verified = spawnSync('systemd-analyze', ['verify', copy, socket], { encoding: 'utf8' })
    t.equal(verified.status, 0, verified.stderr)
    t.notMatch(verified.stderr, /jankinsd\.(service|socket)/)
    const rated = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', UNIT], {
      encoding: 'utf8',
    })
    const [, exposure] = /Overall exposure level for jankinsd.service: ([\d.]+)/.exec(rated) ?? []
    t.comment(`exposure ${exposure}`)
    t.ok(Number(exposure) <= EXPOSURE_MAX, `exposure ${exposure}`)
  },
)

/**
 * What of the unit can be had without systemd: of the file system only DATA may be written, no privilege, no core
 * dump, the system calls. $1 is DATA, the rest a command.
 */
const RESTRICT = `
data=$1; shift
mount --bind "$data" "$data"
awk '{ print $2 }' /proc/self/mounts | while read -r at; do
  [ "$at" = "$data" ] || mount -o remount,ro,bind "$at" 2>/dev/null || :
done
umask 0077
exec prlimit --core=0 setpriv --no-new-privs --inh-caps=-all --bounding-set=-all \\
  python3 -B test/fixtures/sandbox.py ${UNIT} "$@"
`
const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user']
const sandbox = (data: string): readonly string[] => [
  ...['unshare', '--mount', '--propagation', 'private', ...asRoot],
  ...['sh', '-c', RESTRICT, 'sh', data],
]

/** Missing tools, or a machine where nobody may make a namespace. */
function reasonToSkip(data: string): string | false {
  if (!hasSystemd) return 'SYSTEMD-ANALYZE IS MISSING: what the unit allows is not known'
  const [command = '', ...args] = [...sandbox(data), 'true']
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? false : `NO SANDBOX HERE: the daemon is not tried under its unit: ${stderr.trim().slice(-200)}`
}

const skip = reasonToSkip(temporaryDirectory(t))
t.test('the daemon does its work under the restrictions of its unit', { skip }, async t => {
  const data = temporaryDirectory(t)
  const by = sandbox(data)
  const [command = '', ...args] = by
  const outside = join(temporaryDirectory(t), 'outside')
  const probe = spawnSync(command, [...args, 'sh', '-c', `: > ${outside}`], { encoding: 'utf8' })
  t.match(probe.stderr, /Read-only/, 'the restrictions are there')
  const denied = spawnSync(command, [...args, 'chown', '1', data], { encoding: 'utf8' })
  t.match(denied.stderr, /not permitted/)

  const told = await listenAsSystemd(t)
  const cwd = resolve('.')
  const daemon = await startDaemon(t, { by, cwd, dataDir: join(data, 'data'), env: { NOTIFY_SOCKET: told.path } })
  t.match(await told.heard(), /^READY=1/m, 'systemd hears that it is ready')
  const { env } = daemon
  const box = temporaryDirectory(t)
  t.equal(
    (await cli(t, ['add-action', 'a', '--artifact', 'x', '--', 'sh', '-c', 'echo hi; echo x >x'], { env })).code,
    0,
  )
  const queued = await cli(t, ['queue', 'a'], { env })
  const job = String(queued.stdout).trim()
  t.equal((await cli(t, ['work', '--once', '--wait', '--dir', join(box, 'worker')], { env })).code, 0)
  t.equal(String((await cli(t, ['log', job], { env })).stdout), 'hi\n')
  t.equal((await cli(t, ['fetch', job, '-o', join(box, 'out')], { env })).code, 0)
  t.equal(readFileSync(join(box, 'out', 'x'), 'utf8'), 'x\n')
  const { code, stderr } = await daemon.stop()
  t.equal(code, 0, stderr)
})
