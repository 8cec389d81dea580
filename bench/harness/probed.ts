import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Daemon, DaemonOptions } from './daemon.js'
import type { Probed } from './probe.js'
import type { Scope } from './scope.js'

const PROBE = new URL('./probe.js', import.meta.url)

export interface Probing {
  /** To start the daemon with. */
  readonly options: Pick<DaemonOptions, 'nodeArgs' | 'env'>
  /** What was measured so far does not count. */
  forget(daemon: Daemon): void
  /** Ends the daemon. @returns what each of its threads measured */
  end(daemon: Daemon): Promise<readonly Probed[]>
}

/** Measures a daemon from the inside. */
export function probe(scope: Scope): Probing {
  const directory = scope.directory()
  return {
    options: { nodeArgs: ['--import', PROBE.href], env: { PROBE_DIR: directory } },
    forget: ({ child }) => void child.kill('SIGUSR2'),
    async end({ client, child }) {
      client.destroy()
      child.kill('SIGTERM')
      await once(child, 'exit')
      return readdirSync(directory).map(file => JSON.parse(readFileSync(join(directory, file), 'utf8')) as Probed)
    },
  }
}

/** @throws Error when no thread of this kind has told anything */
export function only(probed: readonly Probed[], thread: Probed['thread']): Probed {
  const found = probed.find(each => each.thread === thread)
  if (!found) throw new Error(`the ${thread} thread has told nothing`)
  return found
}
