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
const timeout = `--timeout=${Number(seconds) + 300}`
const { status } = spawnSync(process.execPath, ['scripts/test.mjs', 'test/fuzz/fuzz.test.ts', timeout, '--comments'], {
  stdio: 'inherit',
  env: { ...process.env, ...environment },
})
process.exitCode = status ?? 1
