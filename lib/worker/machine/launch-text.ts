import { Buffer } from 'node:buffer'
import { fileURLToPath } from 'node:url'

const WRAPPER = fileURLToPath(new URL('./wrapper.sh', import.meta.url))

/** Assigning these means something to one shell or another, or to our own: they would not arrive as they are, or end it. */
const SPECIAL =
  /^(BASH.*|DIRSTACK|EPOCH.*|E?UID|FUNCNAME|GROUPS|HIST.*|IFS|LINENO|OPTIND|PIPESTATUS|PPID|S?RANDOM|SECONDS|SHELLOPTS|SHLVL|_|_jankins_.*)$/
/** What is larger may be more than a process can be given: only who starts it directly learns that. */
const BYTES_MAX = 64 * 1024

/** A shell that waits at its seat, as wrapper.sh has it. */
export interface SeatTexts {
  /** For the launcher: starts it in a session of its own, with our end of the launcher's pipe as its descriptor 3. */
  readonly start: string
  /** For the seat. */
  readonly wait: string
}

/**
 * @param setsid the program, which has --fork
 * @param descriptors of all seats in the launcher, one digit each
 */
export function seatTexts(
  setsid: string,
  descriptors: readonly number[],
  seat: number,
  cgroup: string | undefined,
): SeatTexts {
  const closed = descriptors.map(descriptor => `${descriptor}<&-`).join(' ')
  const command = `${setsid} --fork /bin/sh -s ${seat} ${quoted(cgroup ?? '')}`
  return {
    start: `${command} 3>&1 >/dev/null <&${descriptors[seat]} ${closed} || echo ${seat} failed\n`,
    wait: `. ${quoted(WRAPPER)}\n`,
  }
}

/** What starts an attempt directly. @param args of wrapper.sh */
export const wrapperArgv = (args: readonly string[]): readonly string[] => ['/bin/sh', WRAPPER, ...args]

/**
 * For a shell that waits: runs an attempt with exactly this environment. Undefined for what has to be started directly.
 * @param args of wrapper.sh
 */
export function attemptText(
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
): string | undefined {
  const names = Object.keys(environment)
  if (names.some(name => SPECIAL.test(name))) return undefined
  const assignments = names.map(name => `${name}=${quoted(environment[name] ?? '')}`)
  const text = `export ${assignments.join(' ')}; _jankins_run ${args.map(quoted).join(' ')}\n`
  return Buffer.byteLength(text) > BYTES_MAX || text.includes('\0') ? undefined : text
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
