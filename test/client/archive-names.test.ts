import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ARTIFACT_LIMITS } from '../../lib/client/archive/archive-limits.js'
import { readLargeZip, unpackLargeZip } from '../../lib/client/archive/large-zip.js'
import { packDirectory } from '../../lib/client/archive/pack-directory.js'
import { unpackArtifacts, unpackBundle } from '../../lib/client/archive/unpack.js'
import { zipGlobs } from '../../lib/client/archive/zip-globs.js'
import type { ZipMaking } from '../../lib/client/archive/zip-making.js'
import { bytesOf } from './archive-helpers/made-zip.js'
import { sourceOf } from './archive-helpers/sources.js'

/** Ordinary on Linux, and something else to other systems, and to libraries that were made for those. */
const NAMES = [
  'net/xt_dscp.c',
  'net/xt_DSCP.c',
  'Dir/file',
  'dir/file',
  '\u00e4',
  'a\u0308',
  'units/dev-disk-by\\x2duuid.mount',
  'units\\dev-disk-by',
  '..\\up',
  '\\',
  '\\\\host\\share',
  'end\\',
  'empty\\',
  'down\\/file',
  'a:b',
  'C:',
  'c:\\x',
  'd:/file',
]
const LINKS: readonly (readonly [string, string])[] = [
  ['link\\', 'a:b'],
  ['l:link', 'c:\\x'],
]

const dataOf = (name: string): string => (name.startsWith('empty') ? '' : `${name} `.repeat(200))

/** A directory outside of any checkout. */
function scratch(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'jankins-names-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function fill(t: Test): string {
  const root = scratch(t)
  for (const name of NAMES) {
    mkdirSync(join(root, name, '..'), { recursive: true })
    writeFileSync(join(root, name), dataOf(name))
  }
  mkdirSync(join(root, 'void\\'), { mode: 0o700 })
  for (const [name, target] of LINKS) symlinkSync(target, join(root, name))
  return root
}

function same(t: Test, dir: string, root: string): void {
  t.strictSame(readdirSync(dir, { recursive: true }).sort(), readdirSync(root, { recursive: true }).sort())
  for (const name of NAMES) t.equal(readFileSync(join(dir, name), 'utf8'), dataOf(name), name)
  for (const [name, target] of LINKS) t.equal(readlinkSync(join(dir, name)), target, name)
}

t.test('artifacts keep the names that Linux gives them, however they are unpacked', async t => {
  const root = fill(t)
  const source = sourceOf(await bytesOf((await zipGlobs(root, ['.'], undefined)) as ZipMaking))
  const to = scratch(t)
  await unpackArtifacts(source, join(to, 'small'))
  await unpackLargeZip(await readLargeZip(source, ARTIFACT_LIMITS), join(to, 'large'))
  for (const way of ['small', 'large']) same(t, join(to, way), root)
})

t.test('what travels with a job keeps the names that Linux gives it', async t => {
  const root = fill(t)
  const to = join(scratch(t), 'to')
  await unpackBundle((await packDirectory(root)).zip, to)
  same(t, to, root)
})

t.test('a pattern names a backslash as it names any sign of its own: by one before it', async t => {
  const root = fill(t)
  const named = async (pattern: string): Promise<string[]> => {
    const zip = await bytesOf((await zipGlobs(root, [pattern], undefined)) as ZipMaking)
    const to = join(scratch(t), 'to')
    await unpackArtifacts(sourceOf(zip), to)
    return readdirSync(to, { recursive: true }).map(String).sort()
  }
  t.strictSame(await named('units/dev-disk-by\\\\x2duuid.mount'), ['units', 'units/dev-disk-by\\x2duuid.mount'])
  t.strictSame(await named('down\\\\/*'), ['down\\', 'down\\/file'])
})
