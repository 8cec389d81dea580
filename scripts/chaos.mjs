// Kills and cuts for five minutes, or as long as is said: npm run chaos -- [--seconds N] [--seed N]
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '300' }, seed: { type: 'string' } } })
const environment = {
  JANKINS_CHAOS_SECONDS: values.seconds,
  ...(values.seed !== undefined && { JANKINS_CHAOS_SEED: values.seed }),
}
const run = (args, env = process.env) => spawnSync(process.execPath, args, { stdio: 'inherit', env }).status ?? 1
// By itself, not by the runner: what it tells of seed, blows and ends is worth reading also when all is well.
process.exitCode =
  run(['scripts/build.mjs', '--tests']) ||
  run(['--enable-source-maps', 'dist/test/e2e/chaos.test.js'], { ...process.env, ...environment })
