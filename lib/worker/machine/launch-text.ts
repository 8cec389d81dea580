import { Buffer } from 'node:buffer'

/** What is to become the shell of an attempt. */
export interface Launch {
  /** Names the attempt in what the launcher tells: no blank in it. */
  readonly name: string
  /** Absolute path of the program, and its arguments. */
  readonly argv: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** Assigning these means something to one shell or another: they would not arrive as they are, or end it. */
const SPECIAL =
  /^(BASH.*|DIRSTACK|EPOCH.*|E?UID|FUNCNAME|GROUPS|HIST.*|IFS|LINENO|OPTIND|PIPESTATUS|PPID|S?RANDOM|SECONDS|SHELLOPTS|SHLVL|_)$/
/** What is larger may be more than a process can be given: only who starts it directly learns that. */
const BYTES_MAX = 64 * 1024

/**
 * The command for a shell that starts a process with exactly this environment, in a session of its own and with our
 * end of the pipe as its descriptor 3; it shows in no list of arguments. Undefined for what has to be started directly.
 * @param setsid the program, which has --fork
 */
export function launchText(setsid: string, { name, argv, environment }: Launch): string | undefined {
  const names = Object.keys(environment)
  if (names.some(name => SPECIAL.test(name))) return undefined
  const assignments = names.map(name => `${name}=${quoted(environment[name] ?? '')}`)
  const text =
    `(export ${assignments.join(' ')}; ${setsid} --fork ${argv.map(quoted).join(' ')}` +
    ` 3>&1 >/dev/null </dev/null) || echo ${name} failed\n`
  return Buffer.byteLength(text) > BYTES_MAX || text.includes('\0') ? undefined : text
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
