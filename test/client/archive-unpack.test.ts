import { randomBytes } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { ZipFile } from 'yazl'
import { ArchiveError } from '../../lib/client/archive/archive-error.js'
import { ARTIFACT_LIMITS } from '../../lib/client/archive/archive-limits.js'
import { readLargeZip, unpackLargeZip } from '../../lib/client/archive/large-zip.js'
import { listArtifacts, unpackArtifacts, unpackBundle } from '../../lib/client/archive/unpack.js'
import type { ZipSource } from '../../lib/client/archive/zip-source.js'
import { type Crafted, craftZip } from './archive-helpers/craft-zip.js'
import { sourceOf } from './archive-helpers/sources.js'

const unpackLarge = async (source: ZipSource, dir: string): Promise<void> =>
  unpackLargeZip(await readLargeZip(source, ARTIFACT_LIMITS), dir)

/** The three ways in: all keep the same rules. */
const WAYS: readonly [string, (zip: Buffer, root: string) => Promise<unknown>][] = [
  ['a bundle', (zip, root) => unpackBundle(zip, join(root, 'to'))],
  ['a small archive', (zip, root) => unpackArtifacts(sourceOf(zip), join(root, 'to'))],
  ['a large archive', (zip, root) => unpackLarge(sourceOf(zip), join(root, 'to'))],
]

const HOSTILE: Record<string, readonly Crafted[]> = {
  'a name that goes up': [{ name: '../evil', data: 'x' }],
  'a name that goes up in the middle': [{ name: 'a/../../evil', data: 'x' }],
  'an absolute name': [{ name: '/evil', data: 'x' }],
  'a drive letter': [{ name: 'C:/evil', data: 'x' }],
  'a backslash': [{ name: '..\\evil', data: 'x' }],
  'a NUL': [{ name: 'evil\0.txt', data: 'x' }],
  'a name that is not UTF-8': [{ name: Buffer.from([0x61, 0xff]), data: 'x' }],
  'a name twice': [
    { name: 'a', data: 'x' },
    { name: 'a', data: 'y' },
  ],
  'names that differ in case': [
    { name: 'a', data: 'x' },
    { name: 'A', data: 'y' },
  ],
  'an empty name': [{ name: '', data: 'x' }],
  'a name that is the directory itself': [{ name: '.', data: 'x' }],
  'a name with a part that says nothing': [{ name: 'a//b', data: 'x' }],
  'a name on another machine': [{ name: '\\\\host\\x', data: 'x' }],
  'a name longer than any file system takes': [{ name: 'x'.repeat(256), data: 'x' }],
  'names that differ in how a letter is written': [
    { name: '\u00e4', data: 'x' },
    { name: 'a\u0308', data: 'y' },
  ],
  'directories that differ in case': [
    { name: 'd/a', data: 'x' },
    { name: 'D/b', data: 'y' },
  ],
  'a file below a file': [
    { name: 'a', data: 'x' },
    { name: 'a/b', data: 'y' },
  ],
  'a symlink that leads up over another one': [
    { name: 'd/e/up', data: '../..', mode: 0o120777 },
    { name: 'x', data: 'd/e/up/../y', mode: 0o120777 },
  ],
  'symlinks in a circle': [
    { name: 'a', data: 'b', mode: 0o120777 },
    { name: 'b', data: 'a', mode: 0o120777 },
  ],
  'a symlink with a NUL': [{ name: 'l', data: 'a\0', mode: 0o120777 }],
  'a symlink to another machine': [{ name: 'l', data: '\\\\host', mode: 0o120777 }],
  'entries that share their bytes': [{ name: 'a', data: 'x', packedBytes: 1_000, bytes: 1_000 }],
  'a symlink that leads up': [{ name: 'l', data: '../x', mode: 0o120777 }],
  'a symlink to an absolute path': [{ name: 'l', data: '/etc', mode: 0o120777 }],
  'a file behind a symlink': [
    { name: 'l', data: 'd', mode: 0o120777 },
    { name: 'l/evil', data: 'x' },
  ],
  'a symlink that is named as a directory': [{ name: 'l/', data: '/etc', mode: 0o120777 }],
  'a device': [{ name: 'd', data: '', mode: 0o060644 }],
  'a pipe': [{ name: 'd', data: '', mode: 0o010644 }],
  'an encrypted file': [{ name: 'a', data: 'x', flags: 0x801 }],
  'an unknown method': [{ name: 'a', data: 'x', method: 99 }],
  'a size that no deflate reaches': [{ name: 'a', data: 'x'.repeat(100), method: 8, bytes: 1e9 }],
  'more bytes than claimed': [{ name: 'a', data: 'x'.repeat(5_000), method: 8, bytes: 100 }],
  'fewer bytes than claimed': [{ name: 'a', data: 'x'.repeat(5_000), method: 8, bytes: 5_001 }],
  'a wrong CRC': [{ name: 'a', data: 'xyz', method: 8, crc: 1 }],
}
for (const [way, unpack] of WAYS) {
  t.test(`${way} that breaks a rule is refused, and nothing of it is left`, async t => {
    for (const [what, entries] of Object.entries(HOSTILE)) {
      const root = t.testdir({})
      const zip = craftZip([{ name: 'first', data: 'good' }, ...entries])
      await t.rejects(unpack(zip, root), ArchiveError, what)
      t.strictSame(readdirSync(root), [], `${what}: nothing is left`)
    }
  })

  t.test(`${way} that is damaged anywhere gives an error or the files, and nothing outside`, async t => {
    const zip = craftZip([
      { name: 'd/', mode: 0o040755 },
      { name: 'd/a', data: 'some bytes', method: 8 },
      { name: 'l', data: 'd/a', mode: 0o120777 },
    ])
    for (let at = 0; at < zip.length; at++) {
      const root = t.testdir({})
      const bad = Buffer.from(zip)
      bad[at] = 255 - (bad[at] ?? 0)
      await unpack(bad, root).catch(error => {
        if (!(error instanceof ArchiveError)) t.fail(`byte ${at}: ${error?.stack}`)
      })
      const left = readdirSync(root).filter(name => name !== 'to')
      if (left.length > 0) t.fail(`byte ${at} left ${left}`)
    }
    for (let length = 0; length < zip.length; length += 7)
      await t.rejects(unpack(zip.subarray(0, length), t.testdir({})), ArchiveError, `${length} bytes`)
  })

  t.test(`${way} keeps modes without setuid, symlinks and empty directories`, async t => {
    const root = t.testdir({})
    const entries: Crafted[] = [
      { name: 'l', data: 'd/ä', mode: 0o120777 },
      { name: 'd/', mode: 0o040750 },
      { name: 'd/ä', data: 'text', mode: 0o104755, method: 8 },
      { name: 'e/', mode: 0o040700 },
      { name: 'deep/er/f', data: '', mode: 0o100400 },
    ]
    await unpack(craftZip(entries), root)
    const to = join(root, 'to')
    t.equal(readFileSync(join(to, 'd/ä'), 'utf8'), 'text')
    t.equal(statSync(join(to, 'd/ä')).mode & 0o7777, 0o755)
    t.equal(statSync(join(to, 'd')).mode & 0o777, 0o750)
    t.equal(statSync(join(to, 'deep/er/f')).mode & 0o777, 0o400)
    t.equal(readlinkSync(join(to, 'l')), 'd/ä')
    t.ok(statSync(join(to, 'e')).isDirectory())
    t.equal(statSync(join(to, 'd/ä')).mtime.getFullYear(), 2024)
  })

  t.test(`${way} writes over nothing and through nothing that is there`, async t => {
    const root = t.testdir({ outside: {}, to: { there: 'mine' } })
    symlinkSync('../outside', join(root, 'to/link'))
    await t.rejects(unpack(craftZip([{ name: 'there', data: 'theirs' }]), root), /there exists already/)
    t.equal(readFileSync(join(root, 'to/there'), 'utf8'), 'mine')
    await t.rejects(unpack(craftZip([{ name: 'link/evil', data: 'x' }]), root), /no directory/)
    await t.rejects(unpack(craftZip([{ name: 'link', data: 'x' }]), root), /exists already/)
    t.strictSame(readdirSync(join(root, 'outside')), [])
    t.ok(lstatSync(join(root, 'to/link')).isSymbolicLink())
    mkdirSync(join(root, 'to/kept'))
    await unpack(craftZip([{ name: 'kept/new', data: 'x' }]), root)
  })

  t.test(`${way} that fails late takes away what it has written, and nothing else`, async t => {
    const root = t.testdir({ to: { kept: { mine: '' } } })
    const names = ['first', 'kept/theirs', 'new/deep/file']
    const good: Crafted[] = names.map(name => ({ name, data: 'x' }))
    await t.rejects(unpack(craftZip([...good, { name: 'kept/mine', data: 'x' }]), root), /exists already/)
    await t.rejects(unpack(craftZip([...good, { name: 'bad', data: 'x', crc: 1 }]), root), ArchiveError)
    const linked: Crafted = { name: 'kept/mine', data: 'first', mode: 0o120777 }
    await t.rejects(unpack(craftZip([...good, linked]), root), /exists already/)
    t.strictSame(readdirSync(join(root, 'to'), { recursive: true }).sort(), ['kept', 'kept/mine'])
  })
}

t.test('what a source cannot give, or finds wrong in the end, is told as it is, and nothing is left', async t => {
  const root = t.testdir({})
  const zip = craftZip([
    { name: 'a', data: 'x'.repeat(5_000) },
    { name: 'b', data: 'y', method: 8 },
  ])
  const whole = sourceOf(zip)
  const lost = new Error('the line is cut')
  const wrong: ZipSource = { ...whole, verify: () => Promise.reject(lost) }
  await t.rejects(unpackArtifacts(wrong, join(root, 'to')), lost)
  await t.rejects(unpackLarge(wrong, join(root, 'to')), lost)
  for (let left = 0; left < 14; left++) {
    let reads = 0
    const read = (at: number, bytesMax: number) => (reads++ < left ? whole.read(at, bytesMax) : Promise.reject(lost))
    await t.rejects(unpackLarge({ ...whole, read }, join(root, 'to')), lost, `after ${left} reads`)
  }
  t.strictSame(readdirSync(root), [])
})

t.test('a bundle of too many entries, or of too many bytes, is refused', async t => {
  const root = t.testdir({})
  const many = craftZip(Array.from({ length: 50_001 }, (_, i) => ({ name: `f${i}` })))
  await t.rejects(unpackBundle(many, join(root, 'to')), /entries/)
  const bomb = craftZip([{ name: 'zeros', data: Buffer.alloc(65 * 2 ** 20), method: 8 }])
  await t.rejects(unpackBundle(bomb, join(root, 'to')), /bomb/)
  await t.rejects(unpackBundle(Buffer.alloc(32 * 2 ** 20 + 1), join(root, 'to')), /too large/)
  t.strictSame(readdirSync(root), [])
})

t.test('the long form of the format is read, by whichever reader', async t => {
  const root = t.testdir({})
  const zip = new ZipFile()
  zip.addBuffer(Buffer.from('long'), 'a/b', { mode: 0o100640, forceZip64Format: true })
  zip.end({ forceZip64Format: true, comment: 'with a comment' })
  const source = sourceOf(await buffer(zip.outputStream))
  await unpackLarge(source, join(root, 'large'))
  await unpackArtifacts(source, join(root, 'small'))
  for (const way of ['large', 'small']) t.equal(readFileSync(join(root, way, 'a/b'), 'utf8'), 'long')
})

t.test('a large file in a small archive is unpacked as a stream', async t => {
  const root = t.testdir({})
  const zeros = Buffer.alloc(130 * 2 ** 20)
  const source = sourceOf(craftZip([{ name: 'zeros', data: zeros, method: 8 }]))
  t.same(await unpackArtifacts(source, join(root, 'to')), { files: 1, bytes: zeros.length })
  t.ok(readFileSync(join(root, 'to/zeros')).equals(zeros))
})

t.test('files of many pieces come out byte for byte, stored or compressed', async t => {
  const root = t.testdir({})
  const data = randomBytes(1_300_000)
  const zip = craftZip([{ name: 'stored', data }, { name: 'compressed', data, method: 8 }, { name: 'empty' }])
  await unpackLarge(sourceOf(zip, 300_000), join(root, 'to'))
  for (const name of ['stored', 'compressed']) t.ok(readFileSync(join(root, 'to', name)).equals(data), name)
  t.equal(statSync(join(root, 'to/empty')).size, 0)
})

t.test('an archive is listed without being unpacked', async t => {
  const zip = craftZip([
    { name: 'd/', mode: 0o040755 },
    { name: 'd/a', data: 'four', mode: 0o100644 },
    { name: 'l', data: 'd/a', mode: 0o120777 },
  ])
  t.strictSame(await listArtifacts(sourceOf(zip)), [
    { path: 'd', kind: 'directory', bytes: 0, mode: 0o755 },
    { path: 'd/a', kind: 'file', bytes: 4, mode: 0o644 },
    { path: 'l', kind: 'symlink', bytes: 3, mode: 0o777, target: 'd/a' },
  ])
})
