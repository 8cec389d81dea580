import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import AdmZip from 'adm-zip'
import t, { type Test } from 'tap'
import { unpackArtifacts } from '../../lib/client/archive/unpack.js'
import { zipGlobs } from '../../lib/client/archive/zip-globs.js'
import type { ZipMaking } from '../../lib/client/archive/zip-making.js'
import { writeZip } from '../client/archive-helpers/made-zip.js'
import { sourceOfFile } from '../client/archive-helpers/sources.js'

const MIB = 2 ** 20

function scratch(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'jankins-archive-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/**
 * Runs code in a process of its own with a small heap; returns the most memory that it had, bytes. Not by getrusage(2):
 * its peak goes on from that of the process that started it.
 */
function peakBytes(code: string, ...args: string[]): number {
  const whole = `${code}; console.log((await import('node:fs')).readFileSync('/proc/self/status', 'utf8'))`
  const words = ['--max-old-space-size=64', '--input-type=module', '-e', whole, ...args]
  const status = execFileSync(process.execPath, words, { encoding: 'utf8' })
  const [, peakKib] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? []
  return Number(peakKib) * 1024
}

t.test('an archive of 512 MiB is made and unpacked in little memory', async t => {
  const root = scratch(t)
  mkdirSync(join(root, 'out'))
  const files = { 'zeros.bin': 256 * MIB, 'stored.gz': 256 * MIB }
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync(join(root, 'out', name), 'begin')
    truncateSync(join(root, 'out', name), bytes)
  }
  const zip = join(root, 'out.zip')
  const archive = join(process.cwd(), 'dist/lib/client/archive')
  const making = peakBytes(
    `import { zipGlobs } from '${archive}/zip-globs.js'
    import { open } from 'node:fs/promises'
    const zip = await zipGlobs(process.argv[1], ['out'], undefined)
    const file = await open(process.argv[2], 'wx')
    const into = Buffer.allocUnsafe(1e6)
    for (let offset = 0, piece; (piece = await zip.read(offset, into)); offset += piece.length) await file.write(piece)`,
    root,
    zip,
  )
  t.ok(statSync(zip).size > 256 * MIB, 'it is too large to be read at once')
  t.ok(making < 150 * MIB, `${Math.round(making / MIB)} MiB while making it`)
  const unpacking = peakBytes(
    `import { unpackArtifacts } from '${archive}/unpack.js'
    import { open } from 'node:fs/promises'
    const file = await open(process.argv[1])
    const read = async (at, bytes) => {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(bytes), 0, bytes, at)
      return buffer.subarray(0, bytesRead)
    }
    const { size } = await file.stat()
    await unpackArtifacts({ bytes: size, read, verify: async () => {} }, process.argv[2])`,
    zip,
    join(root, 'to'),
  )
  t.ok(unpacking < 150 * MIB, `${Math.round(unpacking / MIB)} MiB while unpacking it`)
  for (const [name, bytes] of Object.entries(files)) {
    t.equal(statSync(join(root, 'to/out', name)).size, bytes)
    t.doesNotThrow(() => execFileSync('cmp', [join(root, 'out', name), join(root, 'to/out', name)]))
  }
})

t.test('10,000 files and 1,000 symlinks come back', async t => {
  const root = scratch(t)
  for (let d = 0; d < 20; d++) {
    const directory = join(root, `many/dé${d}`)
    mkdirSync(directory, { recursive: true })
    for (let i = 0; i < 500; i++) writeFileSync(join(directory, `f${i}`), `content of ${d}/${i}`)
    for (let i = 0; i < 50; i++) symlinkSync(`f${i}`, join(directory, `l${i}`))
  }
  const zip = join(root, 'out.zip')
  const making = (await zipGlobs(root, ['many/**'], undefined)) as ZipMaking
  await writeZip(making, zip)
  t.match(await unpackArtifacts(await sourceOfFile(zip), join(root, 'to')), { files: 11_000 })
  t.equal(readFileSync(join(root, 'to/many/dé19/f499'), 'utf8'), 'content of 19/499')
  t.equal(readFileSync(join(root, 'to/many/dé7/l49'), 'utf8'), 'content of 7/49')
  t.equal(new AdmZip(zip).getEntry('many/dé3/f98')?.getData().toString(), 'content of 3/98')
})
