import { createHash, randomBytes } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import AdmZip from 'adm-zip'
import t from 'tap'
import { ArchiveError } from '../../lib/client/archive/archive-error.js'
import { ARTIFACT_LIMITS } from '../../lib/client/archive/archive-limits.js'
import { readLargeZip, unpackLargeZip } from '../../lib/client/archive/large-zip.js'
import { listArtifacts, unpackArtifacts } from '../../lib/client/archive/unpack.js'
import { zipGlobs } from '../../lib/client/archive/zip-globs.js'
import type { ZipMaking } from '../../lib/client/archive/zip-making.js'
import { bytesOf } from './archive-helpers/made-zip.js'
import { sourceOf } from './archive-helpers/sources.js'

/** Paths of files and symlinks in the archive of these globs; undefined when there is none. */
async function zipped(root: string, globs: string[], extra?: string): Promise<string[] | undefined> {
  const zip = await zipGlobs(root, globs, extra)
  if (!zip) return undefined
  const entries = await listArtifacts(sourceOf(await bytesOf(zip)))
  const paths = entries.filter(({ kind }) => kind !== 'directory').map(({ path }) => path)
  return paths.sort((a, b) => (a < b ? -1 : 1))
}

/** A path of which each sign is a byte. */
const latin1 = (path: string): Buffer => Buffer.from(path, 'latin1')

t.test('patterns choose as in a shell, and a directory keeps everything below it', async t => {
  const root = t.testdir({
    'a.txt': '1',
    'b.log': '2',
    '.hidden': '3',
    out: { 'c.txt': '4', '.dot': '5', deep: { 'd.txt': '6', 'e.js': '7' } },
    other: { 'f.txt': '8' },
    'with [brackets]': { g: '9' },
  })
  const all = ['.hidden', 'a.txt', 'b.log', 'other/f.txt', 'out/.dot', 'out/c.txt', 'out/deep/d.txt', 'out/deep/e.js']
  const cases: [string[], string[] | undefined][] = [
    [['*.txt'], ['a.txt']],
    [['**/*.txt'], ['a.txt', 'other/f.txt', 'out/c.txt', 'out/deep/d.txt']],
    [['out'], ['out/.dot', 'out/c.txt', 'out/deep/d.txt', 'out/deep/e.js']],
    [['./out/'], ['out/.dot', 'out/c.txt', 'out/deep/d.txt', 'out/deep/e.js']],
    [['out/**'], ['out/.dot', 'out/c.txt', 'out/deep/d.txt', 'out/deep/e.js']],
    [['out/*.txt', 'out/c.*'], ['out/c.txt']],
    [['o*/deep'], ['out/deep/d.txt', 'out/deep/e.js']],
    [
      ['{a,b}.*', 'nothing'],
      ['a.txt', 'b.log'],
    ],
    [
      ['out', '!**/*.js', '!out/.dot'],
      ['out/c.txt', 'out/deep/d.txt'],
    ],
    [['.*'], ['.hidden']],
    [['.'], [...all, 'with [brackets]/g']],
    [['with \\[brackets\\]'], ['with [brackets]/g']],
    [['nothing', 'no/such/**'], undefined],
    [[], undefined],
  ]
  for (const [globs, expected] of cases) t.strictSame(await zipped(root, globs), expected, globs.join(' '))
  for (const glob of ['../x', '/etc/*', 'a/../../b', '!../x'])
    await t.rejects(zipped(root, [glob]), /leads out of the workspace/, glob)
})

t.test('what the job put aside is kept under its own names', async t => {
  const root = t.testdir({ 'a.txt': 'a', kept: { r: { 'report.xml': 'x' }, '.dot': 'y' } })
  t.strictSame(await zipped(root, [], join(root, 'kept')), ['.dot', 'r/report.xml'])
  t.strictSame(await zipped(root, ['*.txt'], join(root, 'kept')), ['.dot', 'a.txt', 'r/report.xml'])
  t.strictSame(await zipped(root, ['*.txt'], join(root, 'missing')), ['a.txt'])
  writeFileSync(join(root, 'kept/a.txt'), 'another')
  await t.rejects(zipped(root, ['*.txt'], join(root, 'kept')), /"a.txt" is there twice/)
})

t.test('modes, times, symlinks and empty directories come back, by both readers and by adm-zip', async t => {
  const root = t.testdir({
    out: { 'run.sh': '#!/bin/sh\n', 'ünï ☃.txt': 'snow', 'packed.gz': 'x'.repeat(999), empty: {} },
  })
  const out = join(root, 'out')
  chmodSync(join(out, 'run.sh'), 0o750)
  utimesSync(join(out, 'run.sh'), 1_500_000_001, 1_500_000_001)
  chmodSync(join(out, 'empty'), 0o700)
  symlinkSync('run.sh', join(out, 'link'))
  symlinkSync('missing/x', join(out, 'dangling'))
  const making = (await zipGlobs(root, ['out'], undefined)) as ZipMaking
  t.equal(making.made, undefined)
  const zip = await bytesOf(making)
  t.strictSame(making.made, { bytes: zip.length, sha256: createHash('sha256').update(zip).digest('hex') })
  const source = sourceOf(zip)
  t.match(await unpackArtifacts(source, join(root, 'small')), { files: 5 })
  await unpackLargeZip(await readLargeZip(source, ARTIFACT_LIMITS), join(root, 'large'))
  for (const way of ['small', 'large']) {
    const to = join(root, way, 'out')
    t.equal(statSync(join(to, 'run.sh')).mode & 0o777, 0o750)
    t.equal(statSync(join(to, 'run.sh')).mtimeMs, 1_500_000_001_000)
    t.equal(statSync(join(to, 'empty')).mode & 0o777, 0o700)
    t.equal(readFileSync(join(to, 'ünï ☃.txt'), 'utf8'), 'snow')
    t.equal(readlinkSync(join(to, 'link')), 'run.sh')
    t.equal(readlinkSync(join(to, 'dangling')), 'missing/x')
  }
  const entries = new AdmZip(zip).getEntries()
  const text = (name: string): string | undefined =>
    entries
      .find(({ entryName }) => entryName === name)
      ?.getData()
      .toString()
  t.equal(text('out/ünï ☃.txt'), 'snow')
  t.equal(text('out/packed.gz'), 'x'.repeat(999))
})

t.test('a symlink that leads out is refused in so many words', async t => {
  const targets = ['/etc/passwd', '../../secret', '..']
  for (const target of targets) {
    const root = t.testdir({ out: { 'a.txt': 'a' } })
    symlinkSync(target, join(root, 'link'))
    await t.rejects(zipGlobs(root, ['*'], undefined), /the symbolic link "link" leads out/)
  }
})

t.test('what lies behind a symlink is not followed', async t => {
  const root = t.testdir({ outside: { secret: 's' }, inside: { real: { a: '1' } } })
  symlinkSync('../outside', join(root, 'inside/link'))
  t.equal(await zipped(join(root, 'inside'), ['link/secret']), undefined)
  t.equal(await zipped(join(root, 'inside'), ['link/*']), undefined)
  await t.rejects(zipped(join(root, 'inside'), ['link/**']), /leads out/)
})

t.test('names that could not be unpacked again are refused before anything is written', async t => {
  const root = t.testdir({ 'a\\b': '1', README: '2', readme: '3' })
  await t.rejects(zipped(root, ['*b']), ArchiveError)
  await t.rejects(zipped(root, ['*e*', '*E*']), /differ only in case/)
  t.strictSame(await zipped(root, ['README']), ['README'])
})

t.test('a name that is not UTF-8 is refused where a pattern takes it', async t => {
  const root = t.testdir({ out: { 'a.txt': '1', deep: {} } })
  writeFileSync(latin1(join(root, 'out/caf\xe9.bin')), 'x')
  mkdirSync(latin1(join(root, 'out/deep/caf\xe9')))
  writeFileSync(latin1(join(root, 'out/deep/caf\xe9/b.bin')), 'x')
  for (const glob of ['out', 'out/**', '**', '**/*.bin', 'out/caf*', 'out/deep', 'out/deep/*', '**/deep/**'])
    await t.rejects(zipped(root, [glob]), { name: 'ArchiveError', message: /is not UTF-8/ }, glob)
  await t.rejects(zipped(root, [], join(root, 'out')), /is not UTF-8/, 'whatever was put aside is wanted')
  for (const globs of [['**/*.txt'], ['out/*.txt'], ['out', '!**/caf*'], ['out', '!out/*.bin', '!out/deep']])
    t.strictSame(await zipped(root, globs), ['out/a.txt'], globs.join(' '))
})

t.test('a pattern may escape what its first directories have in their names', async t => {
  const root = t.testdir({ 'with [x]': { a: '1' } })
  t.strictSame(await zipped(root, ['with \\[x\\]/*']), ['with [x]/a'])
})

t.test('an archive is made again where it is read again, byte for byte', async t => {
  const root = t.testdir({ stored: randomBytes(100_000), text: 'text '.repeat(9_000) })
  const zip = (await zipGlobs(root, ['*'], undefined)) as ZipMaking
  const whole = await bytesOf(zip)
  const { made } = zip
  const ranges = [
    [0, 10],
    [5, 7],
    [50_000, 60_000],
    [70_000, 30_000],
    [whole.length - 3, 100],
    [1, 1],
  ] as const
  for (const [offset, length] of ranges)
    t.ok((await zip.read(offset, Buffer.alloc(length)))?.equals(whole.subarray(offset, offset + length)), `${offset}`)
  t.equal(zip.made, undefined, 'begun anew')
  t.equal(await zip.read(whole.length + 5, Buffer.alloc(10)), undefined)
  t.strictSame(zip.made, made)
  t.equal(await zip.read(whole.length, Buffer.alloc(10)), undefined)
  zip.close()
})

t.test('a file that has gone or changed since it was found is an error, and no file stays open', async t => {
  const files = { a: randomBytes(2_000_000), b: randomBytes(2_000_000) }
  const change: Record<string, (root: string) => void> = {
    gone: root => rmSync(join(root, 'b')),
    longer: root => appendFileSync(join(root, 'b'), 'more'),
    shorter: root => truncateSync(join(root, 'b'), 1_000_000),
    link: root => {
      rmSync(join(root, 'b'))
      symlinkSync('a', join(root, 'b'))
    },
  }
  for (const [what, apply] of Object.entries(change)) {
    const root = t.testdir(files)
    const zip = (await zipGlobs(root, ['*'], undefined)) as ZipMaking
    apply(root)
    await t.rejects(bytesOf(zip, 100_000), what)
    await t.rejects(zip.read(5_000_000, Buffer.alloc(10)), `${what}: no end of the archive`)
    await t.rejects(bytesOf(zip, 300_000), `${what}, and again`)
    zip.close()
  }
  const root = t.testdir(files)
  const zip = (await zipGlobs(root, ['*'], undefined)) as ZipMaking
  await zip.read(0, Buffer.alloc(1_000))
  t.not(openBelow(root).length, 0)
  zip.close()
  while (openBelow(root).length > 0) await setImmediate()
})

/** Files below a directory that this process has open. */
const openBelow = (root: string): string[] =>
  readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(root)
    } catch {
      return false
    }
  })
