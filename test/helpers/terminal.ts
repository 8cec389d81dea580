import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { until } from './clock.js'
import { type DaemonProcess, programPath, temporaryDirectory } from './processes.js'

const run = promisify(execFile)

/** Why tests that need a terminal are skipped, or false. */
export const missingTerminal: string | false =
  spawnSync('tmux', ['-V']).status === 0 ? false : 'tmux is missing: nothing stands in for a terminal'

/** A shell in a terminal of its own, in which `jankins` is the built command. */
export async function openTerminal(t: Test, daemon: DaemonProcess, env: Record<string, string> = daemon.env) {
  const home = temporaryDirectory(t)
  const socket = join(home, 'tmux')
  const vars = {
    ...env,
    XDG_CONFIG_HOME: join(home, 'config'),
    HOME: home,
    PS1: '$ ',
    PATH: `${programPath(t)}:${process.env.PATH}`,
  }
  const settings = Object.entries(vars).map(([key, value]) => `${key}=${value}`)
  const tmux = async (...args: string[]) => (await run('tmux', ['-S', socket, '-f', '/dev/null', ...args])).stdout
  await tmux('new-session', '-d', '-x', '110', '-y', '30', 'env', ...settings, 'sh', '-i')
  t.teardown(() => tmux('kill-server'))
  const screen = () => tmux('capture-pane', '-p')
  return {
    screen,
    type: (line: string) => tmux('send-keys', '-l', '--', line).then(() => tmux('send-keys', 'Enter')),
    keys: (keys: string) => tmux('send-keys', '-l', '--', keys),
    press: (key: string) => tmux('send-keys', key),
    /** Resolves with the screen when it shows this. */
    async shows(what: RegExp): Promise<string> {
      let seen = ''
      const look = async () => {
        seen = await screen()
        return what.test(seen)
      }
      await until(look, `the terminal shows ${what}`).catch(error => {
        throw new Error(`${error.message}, but:\n${seen}`)
      })
      return seen
    },
  }
}
