// Does the time of an answer tell which users exist? Fails logins of one that does and of others that do not, in turns,
// against a daemon process, and compares the times: npm run build && node scripts/login-times.mjs [LOGINS]
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeFrame, FrameDecoder } from '../dist/protocol/frame.js'
import { decodeMessage, encodeRequest } from '../dist/protocol/message.js'
import { clientFinal, clientFirst, readServerFirst } from '../dist/protocol/scram.js'

const LOGINS = Number(process.argv[2] ?? 2_000)
const WRONG = { clientKey: Buffer.alloc(32, 1), serverKey: Buffer.alloc(32, 1) }

async function measure(port) {
  const times = { known: [], unknown: [] }
  for (let login = -100; login < 2 * LOGINS; login++) {
    const isKnown = Math.random() < 0.5
    const user = isKnown
      ? 'admin'
      : `nobody${randomBytes(4).toString('hex')}`.slice(0, 5 + Math.floor(Math.random() * 9))
    // From an address of its own each time, so that none is held back for the failures before it.
    const from = `127.${1 + Math.floor(Math.random() * 250)}.${(login + 100) >> 8}.${(login + 100) & 255}`
    const ms = await failedLogin(port, from, user)
    if (login >= 0) times[isKnown ? 'known' : 'unknown'].push(ms)
  }
  for (const step of ['start', 'finish']) {
    const [known, unknown] = [times.known, times.unknown].map(list => list.map(ms => ms[step]).sort((a, b) => a - b))
    for (const [name, list] of Object.entries({ known, unknown })) console.log(row(`auth.${step}, ${name}`, list))
    console.log(`auth.${step}: the later half of both together has ${share(known, unknown)} % of the known ones\n`)
  }
}

const row = (name, list) =>
  `${name.padEnd(22)} ${list.length} logins, ms: ${[0.1, 0.25, 0.5, 0.75, 0.9]
    .map(part => `p${part * 100} ${list[Math.floor(list.length * part)].toFixed(3)}`)
    .join('  ')}`

/** 50 when times tell nothing. */
function share(known, unknown) {
  const all = [...known, ...unknown].sort((a, b) => a - b)
  const middle = all[all.length >> 1]
  return ((100 * known.filter(ms => ms > middle).length) / known.length).toFixed(1)
}

async function failedLogin(port, from, user) {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true })
  await once(socket, 'connect')
  const decoder = new FrameDecoder(1 << 20)
  const call = async (id, method, params) => {
    const startedAtMs = performance.now()
    socket.write(encodeFrame(encodeRequest(id, method, params)))
    for (;;) {
      const [chunk] = await once(socket, 'data')
      const ms = performance.now() - startedAtMs
      decoder.push(chunk)
      const body = decoder.next()
      if (body) return { ms, ...decodeMessage(body) }
    }
  }
  const first = clientFirst(user, randomBytes(18).toString('base64'))
  const params = { protocol: 1, client: 'login-times', mechanism: 'SCRAM-SHA-256', data: first.message }
  const start = await call(1, 'auth.start', params)
  const { state } = readServerFirst(first.state, start.result.data)
  const finish = await call(2, 'auth.finish', { data: clientFinal(state, WRONG).message })
  if (finish.error?.code !== 'E_AUTH') throw new Error(`${user}: ${JSON.stringify(finish)}`)
  socket.destroy()
  return { start: start.ms, finish: finish.ms }
}

const dir = mkdtempSync(join(tmpdir(), 'jankins-login-times-'))
const daemon = spawn(process.execPath, ['dist/bin/jankinsd.js', '--port', '0', '--data', join(dir, 'data')], {
  stdio: ['ignore', 'pipe', 'ignore'],
})
try {
  await measure(Number(/:(\d+)\n/.exec(String(await once(daemon.stdout, 'data')))[1]))
} finally {
  daemon.kill()
  await once(daemon, 'exit')
  rmSync(dir, { recursive: true })
}
