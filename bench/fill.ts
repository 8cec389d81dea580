import { existsSync } from 'node:fs'
import { fillHistory } from './harness/history.js'

/** `npm run bench:fill -- COUNT DIR`: a data directory with a long history, for HISTORY_DIR=DIR npm run bench -- history */
const [countText, directory] = process.argv.slice(2)
const count = Number(countText)
if (!Number.isSafeInteger(count) || count < 1 || directory === undefined || existsSync(directory)) {
  console.error('npm run bench:fill -- COUNT DIR: how many jobs, and a directory that does not exist yet')
  process.exit(2)
}
const startedAtMs = performance.now()
await fillHistory(directory, { ended: count, waiting: Math.ceil(count / 10) }, done => {
  console.log(`${done} jobs after ${Math.round((performance.now() - startedAtMs) / 1000)} s`)
})
