import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import AdmZip from 'adm-zip'
import t, { type Test } from 'tap'
import { packDirectory } from '../../lib/client/archive/pack-directory.js'
import { unpackBundle } from '../../lib/client/archive/unpack.js'

/** A directory outside of any checkout. */
function scratch(t: Test, files: Record<string, string> = {}): string {
  const dir = mkdtempSync(join(tmpdir(), 'jankins-pack-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(dir, path, '..'), { recursive: true })
    writeFileSync(join(dir, path), content)
  }
  return dir
}

function git(dir: string, ...args: string[]): void {
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { cwd: dir, stdio: 'pipe' })
}

async function packed(dir: string): Promise<string[]> {
  const { zip } = await packDirectory(dir)
  return new AdmZip(zip).getEntries().map(({ entryName }) => entryName)
}

t.test('of a checkout goes what git tracks, as it is now', async t => {
  const dir = scratch(t, {
    'kept.txt': 'old',
    'gone.txt': 'x',
    'sub/deep.txt': 'd',
    '.gitignore': 'ignored.txt\n',
    'ignored.txt': 'i',
    'forced.txt': 'f',
    'new\nline ü': 'n',
  })
  git(dir, 'init', '-q')
  git(dir, 'add', '-A')
  git(dir, 'commit', '-qm', 'first')
  writeFileSync(join(dir, 'kept.txt'), 'new')
  writeFileSync(join(dir, 'untracked.txt'), 'u')
  rmSync(join(dir, 'gone.txt'))
  t.strictSame(await packed(dir), ['.gitignore', 'forced.txt', 'kept.txt', 'new\nline ü', 'sub/deep.txt'])
  t.strictSame(await packed(join(dir, 'sub')), ['deep.txt'], 'a directory of a checkout is its own root')
  const to = join(scratch(t), 'to')
  await unpackBundle((await packDirectory(dir)).zip, to)
  t.equal(readFileSync(join(to, 'kept.txt'), 'utf8'), 'new')
})

t.test('a submodule is a directory, and a tracked directory that became a symlink is left out', async t => {
  const inner = scratch(t, { 'inner.txt': 'i' })
  git(inner, 'init', '-q')
  git(inner, 'add', '-A')
  git(inner, 'commit', '-qm', 'first')
  const dir = scratch(t, { 'a.txt': 'a', 'was/b.txt': 'b' })
  git(dir, 'init', '-q')
  git(dir, '-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', inner, 'module')
  git(dir, 'add', '-A')
  git(dir, 'commit', '-qm', 'first')
  rmSync(join(dir, 'was'), { recursive: true })
  symlinkSync(inner, join(dir, 'was'))
  t.strictSame(await packed(dir), ['.gitmodules', 'a.txt', 'module/'])
})

t.test('elsewhere goes all but .git, node_modules, dist and what .gitignore names', async t => {
  const dir = scratch(t, {
    'a.txt': 'a',
    'a.log': 'l',
    '.gitignore': '# comment\n*.log\n!important.log\n/build\nonly-dir/\ndocs/*.tmp\n**/cache\n\\#odd\ntrail  \n',
    'important.log': 'l',
    'build/x': 'x',
    'src/build/y': 'y',
    'only-dir/z': 'z',
    'src/only-dir': 'a file',
    'docs/a.tmp': 't',
    'docs/b/a.tmp': 't',
    'x/cache/1': '1',
    '#odd': 'o',
    trail: 't',
    'src/.gitignore': '!*.log\nlocal\n',
    'src/b.log': 'kept by the nearer file',
    'src/local': 'l',
    'node_modules/m/index.js': 'm',
    'src/node_modules/m': 'm',
    'dist/out.js': 'o',
    '.git/nothing': 'no checkout',
  })
  const files = (await packed(dir)).filter(name => !name.endsWith('/'))
  t.strictSame(files, [
    '.gitignore',
    'a.txt',
    'docs/b/a.tmp',
    'important.log',
    'src/.gitignore',
    'src/b.log',
    'src/build/y',
    'src/only-dir',
  ])
})

t.test('a directory of which git tracks nothing is packed like any other one', async t => {
  const dir = scratch(t, { 'a.txt': 'a', 'node_modules/x': 'x' })
  git(dir, 'init', '-q')
  t.strictSame(await packed(dir), ['a.txt'])
})

t.test('modes and symlinks come back, and equal files make equal bundles', async t => {
  const make = (): string => {
    const dir = scratch(t, { 'run.sh': '#!/bin/sh\n', 'd/secret': 's', empty: '' })
    chmodSync(join(dir, 'run.sh'), 0o755)
    chmodSync(join(dir, 'd/secret'), 0o600)
    symlinkSync('../run.sh', join(dir, 'd/link'))
    mkdirSync(join(dir, 'void'))
    return dir
  }
  const [first, second] = [await packDirectory(make()), await packDirectory(make())]
  t.equal(first.sha256, second.sha256)
  const to = join(scratch(t), 'to')
  await unpackBundle(first.zip, to)
  t.equal(statSync(join(to, 'run.sh')).mode & 0o777, 0o755)
  t.equal(statSync(join(to, 'd/secret')).mode & 0o777, 0o600)
  t.equal(statSync(join(to, 'empty')).size, 0)
  t.ok(statSync(join(to, 'void')).isDirectory())
  t.equal(readlinkSync(join(to, 'd/link')), '../run.sh')
  t.ok(statSync(join(to, 'run.sh')).mtime.getFullYear() > 2020, 'new files are as old as they are')
})

t.test('what could not be sent or unpacked is refused', async t => {
  const large = scratch(t, { 'a.txt': 'a' })
  writeFileSync(join(large, 'noise'), randomBytes(33 * 2 ** 20))
  await t.rejects(packDirectory(large), /a bundle may have 33554432/)
  const out = scratch(t)
  symlinkSync('/etc', join(out, 'link'))
  await t.rejects(packDirectory(out), /leads out/)
  await t.rejects(packDirectory(scratch(t)), /nothing/)
  await t.rejects(packDirectory(join(out, 'missing')), { code: 'ENOENT' })
  const close = scratch(t)
  writeFileSync(join(close, 'noise'), randomBytes(32 * 2 ** 20 - 100_000))
  const { zip } = await packDirectory(close)
  const to = join(scratch(t), 'to')
  await unpackBundle(zip, to)
  t.strictSame(readFileSync(join(to, 'noise')), readFileSync(join(close, 'noise')))
})
