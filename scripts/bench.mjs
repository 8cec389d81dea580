// Builds, then measures: npm run bench -- [NAME...], see bench/README.md. `fill` is npm run bench:fill.
import { spawnSync } from 'node:child_process'

const args = process.argv.slice(2)
const program = args[0] === 'fill' ? 'fill' : 'main'
const built = spawnSync(process.execPath, ['scripts/build.mjs', '--bench'], { stdio: 'inherit' })
if (built.status !== 0) process.exit(1)
const { status } = spawnSync(
  process.execPath,
  [`dist/bench/${program}.js`, ...args.slice(program === 'fill' ? 1 : 0)],
  {
    stdio: 'inherit',
  },
)
process.exitCode = status ?? 1
