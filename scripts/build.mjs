// Makes dist/: every source file as JavaScript for jankinsd and its threads, and `jankins` as one bundled file.
// With --tests also dist/test/: compiled once, a test file starts in a tenth of the time that it takes as TypeScript.
// With --bench also dist/bench/.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { build } from 'esbuild'

const extra = { '--tests': 'test', '--bench': 'bench' }
const named = Object.keys(extra).filter(flag => process.argv.includes(flag))
const folders = ['protocol', 'lib', ...named.map(flag => extra[flag])]
const all = folders.flatMap(folder => readdirSync(folder, { recursive: true }).map(file => join(folder, file)))
const node = { platform: 'node', target: 'node20.19', sourcemap: true, logLevel: 'warning' }
// Any other package is larger than what most commands need, and is loaded when a command asks for it.
const bundled = ['@msgpack/msgpack', 'yargs-parser']
const yargs = { path: './yargs.js', external: true }
const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'))

rmSync('dist', { recursive: true, force: true })
await build({
  ...node,
  format: 'esm',
  entryPoints: all.filter(file => file.endsWith('.ts')),
  outdir: 'dist',
  outbase: '.',
})
// The programs are CommonJS: node starts them 4 ms sooner, and what V8 makes of them can be kept.
await build({
  ...node,
  format: 'cjs',
  bundle: true,
  entryPoints: ['bin/jankins.ts', 'bin/jankinsd.ts'],
  outdir: 'dist/bin',
  external: ['../lib/server/*'],
})
const bundle = {
  ...node,
  format: 'cjs',
  bundle: true,
  outdir: 'dist/bin',
  define: { 'import.meta.url': 'importMetaUrl' },
  banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
}
await build({
  ...bundle,
  entryPoints: { command: 'lib/cli/main.ts' },
  external: Object.keys(dependencies).filter(name => !bundled.includes(name)),
  alias: { 'yargs-parser': 'yargs-parser/browser' },
  supported: { 'dynamic-import': false },
  plugins: [{ name: 'yargs', setup: ({ onResolve }) => onResolve({ filter: /^yargs$/ }, () => yargs) }],
})
// An ES module, which not every release of Node that is supported can require.
await build({
  ...bundle,
  stdin: { contents: "module.exports = require('yargs').default", resolveDir: '.', sourcefile: 'yargs' },
  entryNames: 'yargs',
})
writeFileSync('dist/bin/package.json', '{ "type": "commonjs" }\n')
await compile(resolve('dist/bin/command.js'))

for (const file of all.filter(file => /\.(sql|sh|c)$/.test(file))) cpSync(file, join('dist', file))
if (folders.includes('test'))
  for (const file of ['scripts/docs.mjs', 'scripts/man.mjs']) cpSync(file, join('dist', file))
// What a source file reads beside itself must stand beside the bundle too.
for (const file of all.filter(file => file.endsWith('.sh'))) cpSync(file, join('dist/bin', basename(file)))

/** Keeps every function of a file as V8 has compiled it: usually it compiles each one when it is first called. */
async function compile(path) {
  const { scriptOf } = await import(resolve('dist/lib/base/load-compiled.js'))
  setFlagsFromString('--no-lazy')
  const script = scriptOf(path)
  // The flags are part of what is kept, and it is only taken where they are the same.
  setFlagsFromString('--lazy')
  writeFileSync(`${path}.compiled`, script.createCachedData())
}
