import { execFile, spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { temporaryDirectory, withoutOwn } from '../helpers/processes.js'

const DRIVER = 'node_modules/better-sqlite3/build/Release/better_sqlite3.node'
const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin'
/** What npm says of a registry that is away or too slow; its agent has a code of its own for each thing that takes long. */
const NO_REGISTRY =
  /ENOTFOUND|EAI_AGAIN|ECONN\w+|\w*TIMEOUT|ETIMEDOUT|E(NET|HOST)UNREACH|ENOTCACHED|FETCH_ERROR|code E5\d\d/

/** What a person tries first, in any directory. */
const TRY = `
cd "$(mktemp -d)"
mkfifo ready
jankinsd --port 0 --data data >ready &
daemon=$!
read -r _ _ _ JANKINS_SERVER <ready
export JANKINS_SERVER
jankins login admin --password-file data/admin-password
jankins exec -- echo it works
jankins work --once --name box --dir state
jankins log 1
kill $daemon
wait $daemon
jankinsd check --data data
rm -r "$PWD"
`
const TRIED = /it works\n(.*\n)*no problem was found\n/

/** On a machine of its own: everything that is written goes to memory, and is gone with the last process. */
const INSTALL = `
dpkg --force-depends --force-unsafe-io --install "$DEB"
getent passwd jankins
jankins --version
${TRY}
test -f /usr/lib/systemd/system/jankinsd.service
test -f /usr/share/man/man1/jankins.1.gz
echo 'port = 5266' >>/etc/jankins/jankins.conf
dpkg --force-depends --force-unsafe-io --install "$DEB"
grep -x 'port = 5266' /etc/jankins/jankins.conf
mkdir /var/lib/jankins
dpkg --remove jankins
grep -x 'port = 5266' /etc/jankins/jankins.conf
! test -e /usr/bin/jankins
dpkg --purge jankins
! test -e /etc/jankins
test -d /var/lib/jankins
echo all is gone
`
const OVERLAY = `
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount --rbind /dev "$1/root/dev"
mount -t proc proc "$1/root/proc"
exec chroot "$1/root" sh -ec "$2"
`

t.test('what npm packs is installed by npm install -g, and works anywhere', async t => {
  const dir = temporaryDirectory(t)
  const packed = await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', dir])
  t.equal(packed.code, 0, packed.output)
  const [tarball = ''] = readdirSync(dir)
  const prefix = join(dir, 'prefix')
  const quick = ['--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=0', '--fetch-timeout=30000']
  // The driver would be compiled: it is taken from here instead.
  const install = ['install', '--global', '--prefix', prefix, '--ignore-scripts', ...quick, join(dir, tarball)]
  const installed = await run('npm', install)
  if (installed.isLate || (installed.code !== 0 && NO_REGISTRY.test(installed.output)))
    return t.pass('npm install', { skip: 'no registry of packages is reached' })
  t.equal(installed.code, 0, installed.output)
  const modules = join(prefix, 'lib/node_modules/jankins/node_modules')
  cpSync(DRIVER, join(modules, '..', DRIVER))
  const tried = await run('sh', ['-ec', TRY], { PATH: `${join(prefix, 'bin')}:${process.env.PATH}`, HOME: dir })
  t.equal(tried.code, 0, tried.output)
  t.match(tried.output, TRIED)
  for (const page of ['man1/jankins.1', 'man5/jankins.conf.5', 'man8/jankinsd.8'])
    t.ok(existsSync(join(prefix, 'share/man', page)), page)
})

const why = whyNoPackage()
t.test('the Debian package installs, works, keeps what was changed, and goes', { skip: why ?? false }, async t => {
  const dir = temporaryDirectory(t)
  // Packed as little as can be: nobody keeps it.
  const made = await run(process.execPath, ['scripts/deb.mjs', dir], { DPKG_DEB_COMPRESSOR_LEVEL: '0' })
  t.equal(made.code, 0, made.output)
  const DEB = join(dir, readdirSync(dir).find(name => name.endsWith('.deb')) ?? '')
  const installed = await inOverlay(t, INSTALL, { DEB, HOME: '/root', PATH: SYSTEM_PATH })
  t.equal(installed.code, 0, installed.output)
  t.match(installed.output, TRIED)
  t.match(installed.output, /jankins: \/var\/lib\/jankins stays/)
  t.match(installed.output, /all is gone\n$/)
})

function whyNoPackage(): string | undefined {
  const missing = ['dpkg-deb', 'systemd-sysusers', 'unshare'].filter(tool => spawnSync(tool, ['--version']).error)
  if (missing.length > 0) return `${missing.join(', ')} is not installed`
  const { stdout } = spawnSync('node', ['--version'], { encoding: 'utf8', env: { PATH: SYSTEM_PATH } })
  const own = stdout?.trim() || 'missing'
  if (majorOf(own) !== majorOf(process.version))
    return `the driver of the package would be for Node ${process.version}, and this machine's own is ${own}`
  const probe = spawnSync('unshare', [...namespace(), 'sh', '-ec', OVERLAY, 'sh', '/mnt', 'true'], { encoding: 'utf8' })
  return probe.status === 0 ? undefined : `no overlay can be mounted: ${probe.stderr.trim()}`
}

function majorOf(version: string): string | undefined {
  return version.split('.')[0]
}

/** Runs a script as root of a machine that is this one, but for what it writes. */
const inOverlay = (t: Test, script: string, env: NodeJS.ProcessEnv) =>
  run('unshare', [...namespace(), 'sh', '-ec', OVERLAY, 'sh', temporaryDirectory(t), script], env)

function namespace(): readonly string[] {
  const all = ['--mount', '--pid', '--fork', '--kill-child']
  return process.getuid?.() === 0 ? all : [...all, '--map-root-user']
}

/** Runs a program to its end, or for five minutes. @returns its status, and both of its streams */
function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return new Promise<{ code: number; output: string; isLate: boolean }>(resolve => {
    const options = { env: { ...process.env, ...withoutOwn(), ...env }, timeout: 300_000, maxBuffer: 2 ** 24 }
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? (error ? -1 : 0), output: `${stderr}${stdout}`, isLate: child.killed })
    })
  })
}
