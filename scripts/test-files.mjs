// Runs built test files, two at once, each in a process of its own, as one TAP stream on stdout; on a terminal stderr
// tells how far it is. `tap run` would do the same with a loader in each process: only coverage needs it, and it doubles
// what node takes to start.
import t from 'tap'

const TIMEOUT_SECONDS = 600

const files = process.argv.slice(2)
let doneCount = 0
t.jobs = 2
t.setTimeout(0)
process.env.TAP_TIMEOUT ??= String(TIMEOUT_SECONDS)
for (const file of files) {
  // tap puts that loader into NODE_OPTIONS.
  const words = ['-u', 'NODE_OPTIONS', process.execPath, '--enable-source-maps', file]
  const run = t.spawn('env', words, {
    name: file,
    buffered: true,
    timeout: TIMEOUT_SECONDS * 1000,
    at: null,
    stack: '',
  })
  void run.then(() => tellProgress(file))
}

function tellProgress(file) {
  doneCount++
  const line = doneCount < files.length ? `${doneCount} of ${files.length}: ${file}` : ''
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`)
}
