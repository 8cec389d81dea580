// Makes dist/: every source file as JavaScript for jankinsd and its threads, and `jankins` as one bundled file.
// With --tests also dist/test/: compiled once, a test file starts in a tenth of the time that it takes as TypeScript.
// With --bench also dist/bench/.
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'

const extra = { '--tests': 'test', '--bench': 'bench' }
const named = Object.keys(extra).filter(flag => process.argv.includes(flag))
const folders = ['protocol', 'lib', 'bin', ...named.map(flag => extra[flag])]
const all = folders.flatMap(folder => readdirSync(folder, { recursive: true }).map(file => join(folder, file)))
const node = { platform: 'node', format: 'esm', target: 'node20.19', sourcemap: true, logLevel: 'warning' }

rmSync('dist', { recursive: true, force: true })
await build({ ...node, entryPoints: all.filter(file => file.endsWith('.ts')), outdir: 'dist', outbase: '.' })
await build({
  ...node,
  entryPoints: ['bin/jankins.ts'],
  outfile: 'dist/bin/jankins.js',
  bundle: true,
  // CommonJS dependencies ask for node's own modules by require.
  banner: { js: "import { createRequire as cjs } from 'node:module'; const require = cjs(import.meta.url);" },
})
for (const file of all.filter(file => /\.(sql|sh|c)$/.test(file))) cpSync(file, join('dist', file))
if (folders.includes('test')) cpSync('scripts/docs.mjs', 'dist/scripts/docs.mjs')
// What a source file reads beside itself must stand beside the bundle too.
for (const file of all.filter(file => file.endsWith('.sh'))) cpSync(file, join('dist/bin', basename(file)))
