// Hostile bytes for an hour, or as long as is said: npm run fuzz -- [--seconds N] [--seed N]
// One input of a failure again: npm run fuzz -- --target NAME --input HEX
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const text = { type: 'string' }
const options = { seconds: { ...text, default: '3600' }, seed: text, target: text, input: text }
const { values } = parseArgs({ options })
const { seconds, seed = String(Math.floor(Math.random() * 2 ** 31)), target, input } = values
const environment = {
  JANKINS_FUZZ_SECONDS: seconds,
  JANKINS_FUZZ_SEED: seed,
  ...(target !== undefined && { JANKINS_FUZZ_TARGET: target, JANKINS_FUZZ_INPUT: input ?? '' }),
}
const built = spawnSync(process.execPath, ['scripts/build.mjs', '--tests'], { stdio: 'inherit' })
const run = () =>
  spawnSync(process.execPath, ['--enable-source-maps', 'dist/test/fuzz/fuzz.test.js'], {
    stdio: 'inherit',
    env: { ...process.env, ...environment, TAP_TIMEOUT: String(Number(seconds) + 300) },
  })
process.exitCode = built.status === 0 ? (run().status ?? 1) : 1
