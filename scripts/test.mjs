// Builds, then runs tests: `fast` is what `npm run check` takes, `all` everything, else the files named.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import mapCoverage from './coverage-map.mjs'

/** What starts real processes, and the simulation of many seeds. */
const SLOW = ['e2e', 'fuzz', 'interop', 'sim']

/** What a failed assertion may say about itself in the summary. */
const MAX_DETAIL_LINES = 60

const [which = 'fast', ...named] = process.argv.slice(2)
const records = mkdtempSync(join(tmpdir(), 'jankins-exercised-'))
try {
  process.exitCode = await run()
} finally {
  rmSync(records, { recursive: true, force: true })
}

async function run() {
  const sources = which === 'all' || which === 'fast' ? tests(which === 'all') : [which, ...named]
  const built = spawnSync(process.execPath, ['scripts/build.mjs', '--tests'], { stdio: 'inherit' })
  if (built.status !== 0) return 1
  const record = join(records, 'tap')
  const { status } = spawnSync(process.execPath, ['scripts/test-files.mjs', ...sources.map(builtFile)], {
    stdio: ['inherit', openSync(record, 'w'), 'inherit'],
    env: { ...process.env, JANKINS_EXERCISED: records },
  })
  summarize(readFileSync(record, 'utf8'))
  if (status !== 0 || which !== 'all') return status ?? 1
  const { neverExercised } = await import('./exercised.mjs')
  const missing = await neverExercised(records)
  for (const row of missing) console.error(`no test exercised: ${row}`)
  return missing.length === 0 ? coverWholly() : 1
}

/** The folders in coverage-map.mjs are covered by their own tests to the last branch; tap fails for less. */
function coverWholly() {
  const files = tests(false).filter(file => mapCoverage(file).length > 0)
  const report = ['--coverage-report=text', '--show-full-coverage', '--no-allow-incomplete-coverage']
  const options = ['run', '--coverage-map=scripts/coverage-map.mjs', '--reporter=min', ...report]
  return spawnSync('node_modules/.bin/tap', [...options, ...files.map(builtFile)], {
    stdio: ['inherit', 'ignore', 'inherit'],
  }).status
}

function builtFile(source) {
  return join('dist', source.replace(/\.ts$/, '.js'))
}

/**
 * What was left out, the slowest files, every failed assertion with its file, then one line that a person and a machine
 * can read.
 */
function summarize(tap) {
  for (const [, line] of tap.matchAll(/^ *# ((?:skipped|NOT TESTED|ONLY \d).*)/gm)) console.log(line)
  const files = [...tap.matchAll(/^(?:not )?ok \d+ - (\S+) # time=([\d.]+)ms/gm)].map(([, file, ms]) => [
    Number(ms),
    file,
  ])
  for (const [ms, file] of files.sort((a, b) => b[0] - a[0]).slice(0, 5))
    console.log(`${(ms / 1000).toFixed(1).padStart(6)} s  ${file}`)
  for (const line of failures(tap)) console.log(line)
  const [, passed = 0] = tap.match(/pass: (\d+)/) ?? []
  const [, failed = 0] = tap.match(/fail: (\d+)/) ?? []
  console.log(`${passed} passed, ${failed} failed`)
}

/** The failed lines of a TAP stream, each with its details: at the end of a long output, where one looks for them. */
function failures(tap) {
  const lines = tap.split('\n')
  return lines.flatMap((line, at) => {
    if (!/^\s*not ok \d+ /.test(line)) return []
    const details = lines.slice(at + 1, at + 1 + MAX_DETAIL_LINES)
    const end = details.findIndex(detail => /^\s*\.\.\.$/.test(detail))
    return [line, ...details.slice(0, end + 1)]
  })
}

function tests(withProcesses) {
  return readdirSync('test', { recursive: true })
    .filter(file => file.endsWith('.test.ts') && (withProcesses || !SLOW.some(folder => file.startsWith(folder + sep))))
    .map(file => join('test', file))
    .sort()
}
