// Makes dist/: every source file as JavaScript for jankinsd and its threads, and `jankins` as one bundled file.
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const folders = ['protocol', 'lib', 'bin']
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
  banner: { js: "import { createRequire as createRequire_ } from 'node:module'; const require = createRequire_(import.meta.url);" },
})
for (const file of all.filter(file => file.endsWith('.sql') || file.endsWith('.sh'))) cpSync(file, join('dist', file))
mkdirSync('dist/bin', { recursive: true })
for (const file of all.filter(file => file.endsWith('.sh'))) cpSync(file, join('dist/bin', file.split('/').at(-1)))
