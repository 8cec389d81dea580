// Runs tests: `fast` is what needs no process of its own, `all` everything (needs a build), else the files named.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join, sep } from 'node:path'

const [which = 'fast', ...named] = process.argv.slice(2)
const files = which === 'all' || which === 'fast' ? tests(which === 'all') : [which, ...named]
const run = spawnSync('node_modules/.bin/tap', ['run', '--disable-coverage', '--jobs=2', '--timeout=240', ...files], {
  stdio: 'inherit',
})
process.exit(run.status ?? 1)

function tests(withProcesses) {
  return readdirSync('test', { recursive: true })
    .filter(file => file.endsWith('.test.ts') && (withProcesses || !file.startsWith(`e2e${sep}`)))
    .map(file => join('test', file))
    .sort()
}
