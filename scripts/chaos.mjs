// Kills and cuts for five minutes, or as long as is said: npm run chaos -- [--seconds N] [--seed N]
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '300' }, seed: { type: 'string' } } })
const timeout = `--timeout=${Number(values.seconds) + 300}`
const environment = {
  JANKINS_CHAOS_SECONDS: values.seconds,
  ...(values.seed !== undefined && { JANKINS_CHAOS_SEED: values.seed }),
}
const { status } = spawnSync(process.execPath, ['scripts/test.mjs', 'test/e2e/chaos.test.ts', timeout, '--comments'], {
  stdio: 'inherit',
  env: { ...process.env, ...environment },
})
process.exitCode = status ?? 1
