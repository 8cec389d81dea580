import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ArchiveError } from '../../lib/client/archive/archive-error.js'
import { ARTIFACT_LIMITS } from '../../lib/client/archive/archive-limits.js'
import { readLargeZip, unpackLargeZip } from '../../lib/client/archive/large-zip.js'
import { unpackBundle } from '../../lib/client/archive/unpack.js'
import { type Crafted, craftZip } from '../client/archive-helpers/craft-zip.js'
import { sourceOf } from '../client/archive-helpers/sources.js'
import { temporaryDirectory } from '../helpers/processes.js'
import type { Random } from '../sim/random.js'
import { mutate, randomBytes } from './mutate.js'
import type { OpenTarget } from './target.js'

const NAMES = ['a', 'A', 'd/', 'd/a', 'd/l', 'l', 'l/x', '..', '../x', '/x', 'C:x', 'a\\b', 'n\0', 'ä', 'x/'.repeat(40)]
const MODES = [0o100644, 0o104755, 0o040755, 0o120777, 0o010644, 0o060644, 0]
const TARGETS = ['a', 'd', '..', '../..', '/etc', '.', 'l', 'd/l/..', '']

/** A zip into both unpackers: the files, or a refusal, and nothing outside of the directory. */
export const openZip: OpenTarget = async t => {
  const root = temporaryDirectory(t)
  const corpus = [
    craftZip([
      { name: 'd/', mode: 0o040755 },
      { name: 'd/a', data: 'text', method: 8 },
    ]),
  ]
  return {
    input(random) {
      if (random.chance(0.05)) return randomBytes(random, 200)
      const zip = craftZip(Array.from({ length: random.int(0, 4) }, () => randomEntry(random)))
      return random.chance(0.4) ? zip : mutate(random, zip, corpus)
    },
    async run(input) {
      const home = mkdtempSync(join(root, 'zip-'))
      await refused(unpackBundle(input, join(home, 'small')))
      await refused(
        readLargeZip(sourceOf(input), ARTIFACT_LIMITS).then(zip => unpackLargeZip(zip, join(home, 'large'))),
      )
      const outside = [
        ...readdirSync(root).filter(name => !home.endsWith(name)),
        ...readdirSync(home).filter(name => !['small', 'large'].includes(name)),
      ]
      rmSync(home, { recursive: true, force: true })
      if (outside.length > 0) throw new Error(`written outside: ${outside}`)
    },
  }
}

function randomEntry(random: Random): Crafted {
  const mode = random.pick(MODES)
  return {
    name: random.pick(NAMES),
    mode,
    data: mode === 0o120777 ? random.pick(TARGETS) : 'x'.repeat(random.int(0, 200)),
    method: random.pick([0, 8, 8]),
    ...(random.chance(0.1) && { bytes: random.int(0, 2 ** 31) }),
    ...(random.chance(0.1) && { packedBytes: random.int(0, 2 ** 31) }),
    ...(random.chance(0.1) && { crc: 1 }),
  }
}

async function refused(unpacking: Promise<unknown>): Promise<void> {
  await unpacking.catch(error => {
    if (!(error instanceof ArchiveError)) throw error
  })
}
