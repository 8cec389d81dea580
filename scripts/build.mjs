// Makes dist/bin/: the two programs, as few bundles as each needs at its start, and what they read beside themselves.
// Only that is shipped. dist/lib/ and dist/protocol/ are the same sources file by file, for tests and scripts.
// With --tests also dist/test/: compiled once, a test file starts in a tenth of the time that it takes as TypeScript.
// With --bench also dist/bench/.
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { build } from 'esbuild'

const extra = { '--tests': 'test', '--bench': 'bench' }
const named = Object.keys(extra).filter(flag => process.argv.includes(flag))
const folders = ['protocol', 'lib', ...named.map(flag => extra[flag])]
const all = folders.flatMap(folder => readdirSync(folder, { recursive: true }).map(file => join(folder, file)))
const node = { platform: 'node', target: 'node20.19', sourcemap: true, logLevel: 'warning' }

/** What each program and each thread of the daemon loads at its start, as one file. */
const STARTED = {
  command: 'lib/cli/main.ts',
  jankinsd: 'bin/jankinsd.ts',
  connection: 'lib/server/connection/thread.ts',
  writer: 'lib/server/writer/thread.ts',
}
/** Parts of both programs that most commands do without: loaded by who needs them. */
const SHARED = { config: 'lib/base/config.ts', 'log-output': 'lib/base/log-output.ts' }
/** Loaded from node_modules: the driver is compiled, the others are for single commands. */
const EXTERNAL = ['better-sqlite3', 'adm-zip', 'picomatch', 'yaml', 'yauzl']

rmSync('dist', { recursive: true, force: true })
await build({
  ...node,
  format: 'esm',
  entryPoints: all.filter(file => file.endsWith('.ts')),
  outdir: 'dist',
  outbase: '.',
})
// The programs are CommonJS: node starts them 4 ms sooner, and what V8 makes of them can be kept.
const bundle = {
  ...node,
  format: 'cjs',
  bundle: true,
  outdir: 'dist/bin',
  define: { 'import.meta.url': 'importMetaUrl' },
  banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
  // The modules of a package where it has both forms: what nobody uses of them is left out.
  mainFields: ['module', 'main'],
  external: EXTERNAL,
  supported: { 'dynamic-import': false },
}
await build({ ...bundle, banner: {}, entryPoints: ['bin/jankins.ts'] })
await build({
  ...bundle,
  entryPoints: { ...STARTED, ...SHARED },
  alias: { 'yargs-parser': 'yargs-parser/browser' },
  plugins: [{ name: 'beside', setup: leaveBeside }],
})
// An ES module, which not every release of Node that is supported can require.
await build({
  ...bundle,
  stdin: { contents: "module.exports = require('yargs').default", resolveDir: '.', sourcefile: 'yargs' },
  entryNames: 'yargs',
})
// yazl with the checksum of node.
await build({
  ...bundle,
  stdin: { contents: "module.exports = require('yazl')", resolveDir: '.', sourcefile: 'yazl' },
  entryNames: 'yazl',
  alias: { 'buffer-crc32': resolve('lib/client/archive/yazl-crc32.ts') },
})
writeFileSync('dist/bin/package.json', '{ "type": "commonjs" }\n')
await compile(resolve('dist/bin/command.js'))

for (const file of all.filter(file => /\.(sql|sh|c|py)$/.test(file))) cpSync(file, join('dist', file))
if (folders.includes('test'))
  for (const file of ['scripts/docs.mjs', 'scripts/man.mjs']) cpSync(file, join('dist', file))
// What a source file reads beside itself must stand beside the bundles too.
for (const file of all.filter(file => file.endsWith('.sh'))) cpSync(file, join('dist/bin', basename(file)))
cpSync('lib/store/migrations', 'dist/bin/migrations', { recursive: true })

/** A plugin: bundles that other bundles load stay files of their own. */
function leaveBeside({ onResolve }) {
  const names = new Map(Object.entries(SHARED).map(([name, file]) => [resolve(file), name]))
  onResolve({ filter: /^(yargs|yazl)$/ }, ({ path }) => ({ path: `./${path}.js`, external: true }))
  onResolve({ filter: /^\..*\.js$/ }, ({ path, resolveDir, kind }) => {
    const name = names.get(resolve(resolveDir, path.replace(/\.js$/, '.ts')))
    return name && kind !== 'entry-point' ? { path: `./${name}.js`, external: true } : undefined
  })
}

/** Keeps every function of a file as V8 has compiled it: usually it compiles each one when it is first called. */
async function compile(path) {
  const { scriptOf } = await import(resolve('dist/lib/base/load-compiled.js'))
  setFlagsFromString('--no-lazy')
  const script = scriptOf(path)
  // The flags are part of what is kept, and it is only taken where they are the same.
  setFlagsFromString('--lazy')
  writeFileSync(`${path}.compiled`, script.createCachedData())
}
