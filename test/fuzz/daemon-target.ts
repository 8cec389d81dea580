import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { encodeFrame } from '../../protocol/frame.js'
import { parseName } from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import { credentialOf, deriveKeys } from '../../protocol/scram.js'
import { startDaemon } from '../helpers/processes.js'
import { openRaw, type RawConnection } from '../helpers/raw-connection.js'
import { mutate } from './mutate.js'
import { GOLDEN, randomBody } from './requests.js'
import type { OpenTarget } from './target.js'

/** Far above what a daemon needs, far below what one that leaks has after some thousand inputs. */
const RESIDENT_BYTES_MAX = 768 * 1024 * 1024
/** Connections that are left open with what they said: half frames, parked requests. */
const LEFT_OPEN = 20

const USER = parseName('fuzz')!

/** Bytes to a daemon process: on a connection of a stranger, or on one of a user. */
export const openDaemon: OpenTarget = async t => {
  const daemon = await startDaemon(t, { config: 'log_format = "json"\n' })
  const client = await daemon.connect()
  const [salt, iterations] = [randomBytes(16), LIMITS.scramIterationsMin.value]
  const keys = await deriveKeys('password', salt, iterations)
  const { storedKey, serverKey } = credentialOf(keys, salt, iterations)
  const secret = { salt, iterations, storedKey, serverKey }
  await client.call('user.add', { user: USER, role: 'user', mayExec: true, ...secret })
  const open = new Set<RawConnection>()
  let checkedLength = 0
  t.teardown(() => {
    for (const raw of open) raw.socket.destroy()
  })

  async function login(raw: RawConnection): Promise<void> {
    try {
      await raw.login(USER, async () => keys)
    } catch {
      // An earlier input has changed the password, which a user may.
      await client.call('user.passwd', { user: USER, ...secret })
    }
  }

  function check(): void {
    const said = daemon.stderr().slice(checkedLength)
    checkedLength += said.length
    const fault = said.split('\n').find(line => line.includes('"level":"error"'))
    if (fault !== undefined) throw new Error(`the daemon had a fault: ${fault}`)
    const bytes = residentBytes(daemon.child.pid)
    if (bytes > RESIDENT_BYTES_MAX) throw new Error(`the daemon has ${bytes} bytes of memory`)
  }

  return {
    input(random) {
      const stream = Buffer.concat(Array.from({ length: random.int(1, 5) }, () => encodeFrame(randomBody(random))))
      const said = random.chance(0.5) ? stream : mutate(random, stream, GOLDEN)
      return Buffer.concat([Buffer.from([random.int(0, 1)]), said])
    },
    async run(input) {
      const raw = await openRaw(daemon.address)
      open.add(raw)
      void raw.closed.then(() => open.delete(raw))
      if (input[0] === 1) await login(raw)
      raw.socket.write(input.subarray(1))
      const [first] = open
      if (open.size > LEFT_OPEN) first?.socket.destroy()
      await client.call('server.status', {})
      check()
    },
    said: () => `${Math.round(residentBytes(daemon.child.pid) / 2 ** 20)} MiB at the end`,
  }
}

function residentBytes(pid: number | undefined): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}
