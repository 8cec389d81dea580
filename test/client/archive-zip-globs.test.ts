import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import AdmZip from 'adm-zip'
import t from 'tap'
import { ArchiveError } from '../../lib/client/archive/archive-error.js'
import { ARTIFACT_LIMITS } from '../../lib/client/archive/archive-limits.js'
import { readLargeZip, unpackLargeZip } from '../../lib/client/archive/large-zip.js'
import { listArtifacts, unpackArtifacts } from '../../lib/client/archive/unpack.js'
import { zipGlobs } from '../../lib/client/archive/zip-globs.js'
import { sourceOf } from './archive-helpers/sources.js'

/** Paths of files and symlinks in the archive of these globs; undefined when there is none. */
async function zipped(root: string, globs: string[], extra?: string): Promise<string[] | undefined> {
  const output = join(t.testdir({}), 'out.zip')
  const result = await zipGlobs(root, globs, extra, output)
  if (!result) return existsSync(output) ? ['an archive that should not be'] : undefined
  const entries = await listArtifacts(sourceOf(readFileSync(output)))
  const paths = entries.filter(({ kind }) => kind !== 'directory').map(({ path }) => path)
  if (paths.length !== result.files) throw new Error('the count is wrong')
  return paths.sort((a, b) => (a < b ? -1 : 1))
}

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
  const zip = join(root, 'out.zip')
  const made = await zipGlobs(root, ['out'], undefined, zip)
  t.match(made, { files: 5, bytes: statSync(zip).size })
  t.equal(made?.sha256, createHash('sha256').update(readFileSync(zip)).digest('hex'))
  t.equal(statSync(zip).mode & 0o777, 0o600)
  const source = sourceOf(readFileSync(zip))
  await unpackArtifacts(source, join(root, 'small'))
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

t.test('a symlink that leads out is refused in so many words, and no archive is left', async t => {
  const targets = ['/etc/passwd', '../../secret', '..']
  for (const target of targets) {
    const root = t.testdir({ out: { 'a.txt': 'a' } })
    symlinkSync(target, join(root, 'link'))
    await t.rejects(zipGlobs(root, ['*'], undefined, join(root, 'out.zip')), /the symbolic link "link" leads out/)
    t.notOk(existsSync(join(root, 'out.zip')))
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

t.test('a disk error while zipping leaves no archive behind', async t => {
  const root = t.testdir({ 'a.txt': 'a', 'out.zip': 'mine' })
  await t.rejects(zipGlobs(root, ['*.txt'], undefined, join(root, 'no/such/out.zip')), { code: 'ENOENT' })
  t.strictSame(
    readdirSync(root).sort((a, b) => (a < b ? -1 : 1)),
    ['a.txt', 'out.zip'],
  )
})
