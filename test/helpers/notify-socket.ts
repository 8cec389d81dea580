import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'

/** A socket as systemd has one for Type=notify. @returns waits for the next message that is told there */
export async function listenAt(t: Test, path: string): Promise<() => Promise<string>> {
  const child = spawn('python3', [resolve('test/fixtures/notify-socket.py'), path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(async () => {
    child.stdin.end()
    await once(child, 'exit')
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  await lines.next()
  return async () => String(JSON.parse((await lines.next()).value))
}
