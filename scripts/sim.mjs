// Builds, then runs the simulation: --seed N tells one seed step by step, --seeds N runs many.
import { spawnSync } from 'node:child_process'

const built = spawnSync(process.execPath, ['scripts/build.mjs', '--tests'], { stdio: 'inherit' })
const run = args =>
  spawnSync(process.execPath, ['--enable-source-maps', 'dist/test/sim/main.js', ...args], { stdio: 'inherit' })
process.exitCode = built.status === 0 ? (run(process.argv.slice(2)).status ?? 1) : 1
