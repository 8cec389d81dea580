// Makes a Debian package of what `npm pack` packs and of the packages that it needs at run time, for the machine and the
// Node on which it runs: the database driver is compiled. node scripts/deb.mjs [DIRECTORY], dist by default.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'

/** Only needed while a package is installed or compiled, or part of the bundles. */
const LEFT_OUT = ['prebuild-install', '@msgpack/msgpack', 'pino', 'smol-toml', 'yargs', 'yargs-parser', 'zod']
const DRIVER = 'better-sqlite3'
const DRIVER_KEPT = ['package.json', 'LICENSE', 'lib', 'build/Release/better_sqlite3.node']

process.umask(0o022)
const root = mkdtempSync(join(tmpdir(), 'jankins-deb-'))
try {
  console.log(makePackage(resolve(process.argv[2] ?? 'dist')))
} finally {
  rmSync(root, { recursive: true, force: true })
}

/** @returns the file */
function makePackage(directory) {
  chmodSync(root, 0o755)
  const packed = unpackInto('usr/lib/jankins')
  const { version } = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8'))
  placeFiles(packed)
  for (const name of modulesOf('package.json', [])) copyModule(name, join(packed, 'node_modules', name))
  for (const program of ['jankins', 'jankinsd'])
    symlinkSync(`../lib/jankins/dist/bin/${program}.js`, place('usr/bin', program))
  writeControl(version)
  const architecture = output('dpkg', ['--print-architecture'])
  const file = join(directory, `jankins_${version}_${architecture}.deb`)
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', root, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return file
}

/** What npm packs, as it packs it. */
function unpackInto(folder) {
  const path = place(folder)
  mkdirSync(path)
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', root]
  const tarball = join(root, output('npm', pack).split('\n').at(-1))
  execFileSync('tar', ['--extract', `--file=${tarball}`, '--strip-components=1', '--directory', path])
  rmSync(tarball)
  return path
}

/** Where Debian looks for what is not a program. */
function placeFiles(packed) {
  renameSync(join(packed, 'jankins.conf'), place('etc/jankins', 'jankins.conf'))
  renameSync(join(packed, 'systemd/sysusers.conf'), place('usr/lib/sysusers.d', 'jankins.conf'))
  renameSync(join(packed, 'systemd'), place('usr/lib/systemd', 'system'))
  for (const page of readdirSync(join(packed, 'docs/man')))
    writeFileSync(
      place(`usr/share/man/man${page.at(-1)}`, `${page}.gz`),
      gzipSync(readFileSync(join(packed, 'docs/man', page)), { level: 9 }),
    )
  rmSync(join(packed, 'docs/man'), { recursive: true })
  const documents = place('usr/share/doc', 'jankins')
  mkdirSync(documents)
  for (const name of ['docs', 'protocol', 'README.md', 'SECURITY.md'])
    renameSync(join(packed, name), join(documents, name))
  renameSync(join(packed, 'LICENSE'), join(documents, 'copyright'))
  writeFileSync(join(documents, 'changelog.gz'), gzipSync(readFileSync(join(packed, 'CHANGELOG.md')), { level: 9 }))
  rmSync(join(packed, 'CHANGELOG.md'))
}

/** Names of the packages below node_modules that a package needs, and of what these need. */
function modulesOf(manifest, seen) {
  const { dependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8'))
  const from = dirname(manifest)
  for (const dependency of Object.keys(dependencies).filter(name => !LEFT_OUT.includes(name))) {
    // Its own copy, or the one that all share.
    const own = join(from, 'node_modules', dependency)
    const found = existsSync(own) ? own : join('node_modules', dependency)
    const name = found.replace(/^node_modules\//, '')
    if (seen.includes(name)) continue
    seen.push(name)
    modulesOf(join(found, 'package.json'), seen)
  }
  return seen
}

function copyModule(name, to) {
  const from = join('node_modules', name)
  const parts = name === DRIVER ? DRIVER_KEPT : readdirSync(from).filter(part => part !== 'node_modules')
  for (const part of parts) cpSync(join(from, part), join(to, part), { recursive: true, dereference: true })
}

function writeControl(version) {
  const major = Number(process.versions.node.split('.')[0])
  const installed = Math.ceil(Number(output('du', ['-sk', '--apparent-size', root]).split('\t')[0]))
  const { description } = JSON.parse(readFileSync('package.json', 'utf8'))
  mkdirSync(join(root, 'DEBIAN'))
  writeFileSync(
    join(root, 'DEBIAN/control'),
    `Package: jankins
Version: ${version}
Architecture: ${output('dpkg', ['--print-architecture'])}
Maintainer: the jankins developers <jankins@localhost>
Installed-Size: ${installed}
Depends: nodejs (>= ${major === 20 ? '20.19' : major}), nodejs (<< ${major + 1}), systemd | systemd-standalone-sysusers, tar
Suggests: git, util-linux
Section: devel
Priority: optional
Description: ${description.replace(/\.$/, '')}
 jankinsd keeps actions, jobs, logs and artifacts in one directory. jankins
 queues jobs, shows what became of them, and runs them as a worker.
`,
  )
  writeFileSync(join(root, 'DEBIAN/conffiles'), '/etc/jankins/jankins.conf\n')
  for (const script of readdirSync('scripts/debian')) {
    copyFileSync(join('scripts/debian', script), join(root, 'DEBIAN', script))
    chmodSync(join(root, 'DEBIAN', script), 0o755)
  }
}

/** A path below the root of the package; its directory is made. */
function place(folder, name = '') {
  const path = join(root, folder, name)
  mkdirSync(dirname(path), { recursive: true })
  return path
}

function output(program, args) {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim()
}
