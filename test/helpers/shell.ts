import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { temporaryDirectory } from './processes.js'

/** A person at a shell: variables and the directory stay from one script to the next. */
export interface Shell {
  /** Runs a script in it. @returns what it printed, both streams. @throws Error that names `where` when a command fails */
  run(script: string, where: string): Promise<string>
  /** Starts a script beside it and leaves it running. @returns when it has printed `ready`; at once without */
  leave(script: string, ready?: string): Promise<void>
}

/** Not a byte of any command's output. */
const MARK = '\x1e'

/** A POSIX sh that ends at the first error; it and all that was left running end with the test. */
export function openShell(t: Test, home: string, environment: Readonly<Record<string, string | undefined>>): Shell {
  const scripts = temporaryDirectory(t)
  const env = { ...process.env, ...environment, HOME: home }
  const child = start(t, ['-e'], env, home)
  const printed = collect(child)
  let count = 0
  return {
    async run(script, where) {
      const file = join(scripts, `${count++}.sh`)
      writeFileSync(file, script)
      child.stdin?.write(`. ${file} </dev/null\nprintf '${MARK}'\n`)
      await printed.until(MARK).catch(() => {
        throw new Error(`${where} ended with an error: ${printed.take()}`)
      })
      return printed.take().replace(MARK, '')
    },
    async leave(script, ready) {
      const output = collect(start(t, ['-ec', script], env, home))
      if (ready !== undefined) await output.until(ready)
    },
  }
}

function start(t: Test, args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): ChildProcess {
  // Both streams into one pipe, in the order written; a group of its own, which ends as a whole.
  const child = spawn('sh', ['-c', 'exec sh "$@" 2>&1', 'sh', ...args], { env, cwd, stdio: 'pipe', detached: true })
  const ended = once(child, 'close')
  t.teardown(async () => {
    child.stdin?.end()
    try {
      process.kill(-(child.pid ?? 0), 'SIGTERM')
    } catch {} // it has ended
    await ended
  })
  return child
}

/** What a program prints, and a wait for a part of it. */
function collect(child: ChildProcess) {
  let text = ''
  let onChange = (): void => {}
  let isOver = false
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    onChange()
  })
  child.on('close', () => {
    isOver = true
    onChange()
  })
  return {
    take(): string {
      const all = text
      text = ''
      return all
    },
    async until(part: string): Promise<void> {
      while (!text.includes(part)) {
        if (isOver) throw new Error(`it ended before it printed ${JSON.stringify(part)}: ${text}`)
        await new Promise<void>(resolve => {
          onChange = resolve
        })
      }
    },
  }
}
