import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'

/** Rules that no compiler holds: which folder may import which, words with a better replacement, sizes of files. */

interface Source {
  readonly file: string
  readonly lines: readonly string[]
}

const PROGRAM = ['protocol', 'lib', 'bin']
const sources = [...PROGRAM, 'test', 'bench', 'scripts', 'docs', 'systemd', '.ci'].flatMap(read)
const program = sources.filter(({ file }) => PROGRAM.includes(file.split('/')[0] ?? '') && file.endsWith('.ts'))

/** Where a word is banned: files below `inside`, but not those below `except`. */
const BANNED: readonly { word: RegExp; instead: string; inside: readonly string[]; except?: readonly string[] }[] = [
  {
    word: /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/,
    instead: 'a Clock',
    inside: PROGRAM,
    except: ['lib/base/clock.ts'],
  },
  { word: /\bset(Timeout|Interval)\(/, instead: 'Clock.after', inside: PROGRAM, except: ['lib/base/clock.ts'] },
  { word: /\bconsole\.\w+\(/, instead: 'a Log', inside: PROGRAM, except: ['lib/cli'] },
  {
    word: /\bas any\s*([).,;\]}]|$)|<any>|@ts-(ignore|nocheck)/,
    instead: 'a type',
    inside: [...PROGRAM, 'test', 'bench'],
  },
  { word: /\b(TO[D]O|FIX[M]E|X{3})\b/, instead: 'the work itself', inside: [''] },
  { word: /\/work\/|\/home\/\w+\/\w/, instead: 'a path that every machine has', inside: [''] },
  { word: /^export default\b/, instead: 'a named export', inside: [...PROGRAM, 'bench'] },
  { word: /^(export )?(const )?enum\b/, instead: 'a union of literals', inside: [...PROGRAM, 'bench'] },
  { word: /\bt\.only\(|\.only\(/, instead: 'all tests', inside: ['test'] },
]

/** Packages and modules of node that only some folders may know. */
const KEPT: readonly { module: RegExp; inside: readonly string[] }[] = [
  { module: /^better-sqlite3$/, inside: ['lib/store', 'lib/server/front/data-lock.ts'] },
  { module: /^@msgpack\/msgpack$/, inside: ['protocol'] },
  { module: /^yargs/, inside: ['lib/cli'] },
  { module: /^pino$/, inside: ['lib/base'] },
  { module: /^(adm-zip|yauzl|yazl)$/, inside: ['lib/client/archive'] },
  { module: /^node:(net|tls)$/, inside: ['lib/server/front', 'lib/client', 'lib/worker', 'lib/cli'] },
  { module: /^node:http$/, inside: ['lib/server/front/metrics-server.ts'] },
  { module: /^node:worker_threads$/, inside: ['lib/server', 'bin'] },
  {
    module: /^node:child_process$/,
    inside: ['lib/worker', 'lib/client/archive', 'lib/cli', 'lib/server/front/systemd.ts', 'lib/server/upkeep/tar.ts'],
  },
]
/** protocol/ is pure: bytes and hashes are all that it takes from node. */
const PURE = /^node:(buffer|crypto|util)$|^@msgpack\/msgpack$/

t.test('a folder imports only what the table of lib/ARCHITECTURE.md lets it', async t => {
  const layers = readLayers()
  t.ok(layers.size >= 10, 'the table was found')
  const wrong = eachImport(({ file, target }) => {
    const from = layerOf(file)
    const to = target.startsWith('.') ? layerOf(normalize(join(dirname(file), target))) : undefined
    if (to === undefined || to === from) return undefined
    return layers.get(from)?.has(to) ? undefined : `${from} may not import ${to}`
  })
  t.strictSame(wrong, [])
})

t.test('packages and parts of node stay in the folders that know them', async t => {
  const wrong = eachImport(({ file, target }) => {
    if (target.startsWith('.')) return /\.(js|json)$/.test(target) ? undefined : 'relative imports end in .js'
    if (file.startsWith('protocol/')) return PURE.test(target) ? undefined : `${target} is not for protocol/`
    const rule = KEPT.find(({ module }) => module.test(target))
    return !rule || isBelow(file, rule.inside) ? undefined : `${target} belongs in ${rule.inside.join(', ')}`
  })
  t.strictSame(wrong, [])
})

t.test('no banned word is used', async t => {
  const wrong = sources.flatMap(({ file, lines }) => {
    const rules = BANNED.filter(rule => isBelow(file, rule.inside) && !isBelow(file, rule.except ?? []))
    return lines.flatMap((line, i) =>
      rules.filter(({ word }) => word.test(line)).map(rule => `${file}:${i + 1}: use ${rule.instead}: ${line.trim()}`),
    )
  })
  t.strictSame(wrong, [])
})

t.test('files are small, and none only hands on what others export', async t => {
  const code = sources.filter(({ file }) => /\.(ts|mjs)$/.test(file))
  t.strictSame(
    code.filter(({ lines }) => lines.length > 300).map(({ file, lines }) => `${file}: ${lines.length} lines`),
    [],
  )
  t.strictSame(
    code.filter(({ file }) => /(^|\/)index\.ts$/.test(file)).map(({ file }) => file),
    [],
  )
})

/** Imports, also of types, of the program's files; returns what `judge` found wrong. */
function eachImport(judge: (found: { file: string; target: string }) => string | undefined): string[] {
  return program.flatMap(({ file, lines }) => {
    const targets = lines.join('\n').matchAll(/\b(?:from|import|import\()\s*'([^']+)'/g)
    return [...targets].flatMap(([, target = '']) => {
      const wrong = judge({ file, target })
      return wrong === undefined ? [] : [`${file}: ${target}: ${wrong}`]
    })
  })
}

/** From each layer to those that it may import. */
function readLayers(): Map<string, Set<string>> {
  const layers = new Map<string, Set<string>>()
  const rows = readFileSync('lib/ARCHITECTURE.md', 'utf8').matchAll(/^\| (?:lib\/)?(\w+)\/ +\|[^|]*\| ([^|]*?) +\|$/gm)
  for (const [, layer = '', allowed = ''] of rows) {
    const names = allowed.startsWith('nothing') ? [] : allowed === 'all above' ? layers.keys() : allowed.split(', ')
    layers.set(layer, new Set(names))
  }
  return layers
}

function layerOf(file: string): string {
  const [first = '', second = ''] = file.split('/')
  return first === 'lib' ? second : first
}

function isBelow(file: string, folders: readonly string[]): boolean {
  return folders.some(folder => folder === '' || file === folder || file.startsWith(`${folder}/`))
}

function read(folder: string): Source[] {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
  return names
    .filter(entry => entry.isFile() && /\.(ts|mjs|sh|sql|md|txt|conf|service)$|^run$/.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => file !== 'test/tidy.test.ts')
    .map(file => ({ file, lines: readFileSync(file, 'utf8').trimEnd().split('\n') }))
}
