import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { temporaryDirectory } from './processes.js'

/** A fixture that is a program of its own: what node cannot do by itself. */
export const python = (fixture: string): readonly string[] => ['python3', resolve('test/fixtures', fixture)]

/** A socket as systemd has one for Type=notify (sd_notify): each call of `heard` waits for the next message. */
export async function listenAsSystemd(t: Test): Promise<{ readonly path: string; heard(): Promise<string> }> {
  const path = join(temporaryDirectory(t), 'notify')
  const [command = '', ...args] = [...python('notify-socket.py'), path]
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(async () => {
    child.stdin.end()
    await once(child, 'exit')
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  await lines.next()
  return { path, heard: async () => String(JSON.parse((await lines.next()).value)) }
}
