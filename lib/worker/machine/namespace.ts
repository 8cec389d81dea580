import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('./namespace.sh', import.meta.url))
/** Absolute: the PATH of a job is its own. util-linux. */
const PROGRAMS = ['/usr/bin/unshare', '/bin/unshare']
const OPTIONS = ['--pid', '--fork', '--kill-child', '--mount-proc']
/** Who is not root may make one in a user namespace, where the machine allows that. */
const OPTIONS_OF_USER = ['--user', '--map-current-user', ...OPTIONS]
/**
 * What a job sends to its group reaches unshare too, which ends with it, and the namespace with that; SIGTERM and
 * SIGINT it ignores by itself. GNU coreutils 8.31: where env cannot do it the job does without.
 */
const ENV = '/usr/bin/env'
const DEAF = [ENV, '--ignore-signal=HUP,QUIT,ABRT,ALRM,PIPE,USR1,USR2,VTALRM,PROF,XCPU,XFSZ,IO']
const HEARING = [ENV, '--default-signal']

/** What the probe ends with when its trap was run. */
const HEARD = 7
/**
 * The stop ladder in small: SIGTERM goes to the whole group, and only the job's own trap may answer it. An unshare that
 * dies of it (util-linux before 2.36) would take the job along without its grace.
 */
const PROBE = `trap : TERM; "$@" /bin/sh -c 'trap "exit ${HEARD}" TERM; kill -TERM 0; sleep 5'; exit $?`

/** What a command is put behind to run in a pid namespace of its own. */
export type PidNamespace = (attemptDir: string, command: readonly string[]) => readonly string[]

/** Undefined where this machine or this account may not make one: it is tried. */
export async function findPidNamespace(): Promise<PidNamespace | undefined> {
  const program = PROGRAMS.find(path => existsSync(path))
  if (program === undefined) return undefined
  for (const options of [OPTIONS, OPTIONS_OF_USER]) {
    const bare = [program, ...options, '--']
    for (const prefix of [[...DEAF, ...bare, ...HEARING], bare])
      if (await isHeard(prefix)) return (dir, command) => [...prefix, '/bin/sh', SCRIPT, dir, ...command]
  }
  return undefined
}

async function isHeard(prefix: readonly string[]): Promise<boolean> {
  const child = spawn('/bin/sh', ['-c', PROBE, 'probe', ...prefix], { detached: true, stdio: 'ignore' })
  const [code] = await once(child, 'exit').catch(() => [-1])
  return code === HEARD
}
