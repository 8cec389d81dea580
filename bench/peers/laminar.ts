import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Ran, runProgram } from '../harness/command.js'
import { inPath } from '../harness/machine.js'
import { freePort, listening, type Scope } from '../harness/scope.js'
import { ACTION } from '../load/queue.js'

/** A server that runs jobs itself; a job is a script in its home. */
export const LAMINAR = 'laminar'
export const hasLaminar = (): boolean => ['laminard', 'laminarc'].every(program => inPath(program))

export interface Laminar {
  readonly pid: number
  /** Where the log of the first job is. */
  readonly logUrl: string
  /** `queue` returns at once, `run` when all of the `count` jobs have ended. @throws Error when one failed */
  ask(verb: 'queue' | 'run', count?: number): Promise<Ran>
}

/**
 * A daemon whose only job is called ACTION.
 * @param script of a POSIX shell
 * @param slots jobs at once
 */
export async function startLaminar(scope: Scope, script: string, slots = 1): Promise<Laminar> {
  const [home, http, rpc] = [scope.directory(), await freePort(), await freePort()]
  for (const folder of ['jobs', 'contexts']) mkdirSync(join(home, 'cfg', folder), { recursive: true })
  writeFileSync(join(home, 'cfg', 'jobs', `${ACTION}.run`), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  writeFileSync(join(home, 'cfg', 'contexts', 'default.conf'), `EXECUTORS=${slots}\n`)
  const [httpAddress, rpcAddress] = [`127.0.0.1:${http}`, `127.0.0.1:${rpc}`]
  const env = { ...process.env, LAMINAR_HOME: home, LAMINAR_BIND_HTTP: httpAddress, LAMINAR_BIND_RPC: rpcAddress }
  const child = scope.spawn(inPath('laminard') ?? 'laminard', [], { env })
  await Promise.all([listening(http), listening(rpc)])
  const clientEnv = { ...process.env, LAMINAR_HOST: rpcAddress }
  return {
    pid: child.pid!,
    logUrl: `http://${httpAddress}/log/${ACTION}/1`,
    ask: (verb, count = 1) => runProgram(scope, 'laminarc', [verb, ...Array<string>(count).fill(ACTION)], clientEnv),
  }
}
