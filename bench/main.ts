import { join } from 'node:path'
import { BENCHES } from './catalogue.js'
import { thisMachine } from './harness/machine.js'
import { type Options, readOptions } from './harness/options.js'
import { linesOf, losses, saveLines, table } from './harness/report.js'
import { type Result, runBench } from './harness/rounds.js'

/** `npm run bench`: see README.md. Without names every bench is run. */
const BASELINE = join('bench', 'baseline.jsonl')

const options = optionsOrExit()
const unknown = options.names.filter(name => !BENCHES.some(bench => bench.name === name))
if (unknown.length > 0) {
  console.error(`no bench is called ${unknown.join(', ')}:`)
  for (const { name, doc, target } of BENCHES) console.error(`  ${name.padEnd(16)}${doc} Target: ${target}.`)
  process.exit(2)
}

const results: Result[] = []
const tell = (progress: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${progress}`)
}
for (const bench of BENCHES) {
  if (options.names.length > 0 && !options.names.includes(bench.name)) continue
  const measured = await runBench(bench, options, tell)
  if (options.json) for (const line of linesOf(measured, thisMachine())) console.log(JSON.stringify(line))
  results.push(...measured)
}
tell('')

const lines = linesOf(results, thisMachine())
if (!options.json) console.log(table(results))
if (options.save) saveLines(BASELINE, lines)
if (options.compare)
  for (const loss of losses(BASELINE, lines)) {
    console.error(loss)
    process.exitCode = 1
  }

function optionsOrExit(): Options {
  try {
    return readOptions(process.argv.slice(2))
  } catch (error) {
    console.error((error as Error).message)
    process.exit(2)
  }
}
