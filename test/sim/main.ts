import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeScratch } from './scratch.js'
import { simulate } from './simulation.js'

/** `npm run sim -- --seed N` replays one seed and tells all of it; `--seeds N [--from M]` runs many. */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    'chaos-ms': { type: 'string' },
  },
})
const base = makeScratch()
try {
  process.exitCode = await run()
} finally {
  rmSync(base, { recursive: true, force: true })
}

async function run(): Promise<number> {
  const one = values.seed !== undefined
  const first = Number(values.seed ?? values.from)
  const last = one ? first : first + Number(values.seeds) - 1
  const length = values['chaos-ms'] === undefined ? {} : { chaosMs: Number(values['chaos-ms']) }
  let failed = 0
  let steps = 0
  const totals: Record<string, number> = {}
  const startedAtMs = performance.now()
  for (let seed = first; seed <= last; seed++) {
    const dataDir = join(base, String(seed))
    const tell = one ? { tell: (line: string) => console.log(line) } : {}
    const result = await simulate({ seed, dataDir, ...tell, ...length })
    rmSync(dataDir, { recursive: true, force: true })
    steps += result.stepCount
    for (const [name, count] of Object.entries(result.summary)) totals[name] = (totals[name] ?? 0) + count
    if (one) console.log(JSON.stringify({ ...result, seen: Object.fromEntries(result.seen) }))
    if (result.violations.length === 0) continue
    failed++
    const again = values['chaos-ms'] === undefined ? '' : ` --chaos-ms ${values['chaos-ms']}`
    console.log(`npm run sim -- --seed ${seed}${again}\n  ${result.violations.slice(0, 3).join('\n  ')}`)
  }
  const seconds = (performance.now() - startedAtMs) / 1_000
  console.log(
    `${last - first + 1} seeds, ${failed} failed, ${steps} steps in ${seconds.toFixed(1)} s: ${Math.round(steps / seconds)}/s`,
  )
  console.log(JSON.stringify(totals))
  return failed === 0 ? 0 : 1
}
