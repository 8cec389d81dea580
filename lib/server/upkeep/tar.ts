import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'

/** A file that changed while it was read is no failure: it was cut to the length that it had. tar(1). */
const SOME_FILES_CHANGED = 1
/** Nor is one below a folder that went before: it is named no more. Of a name that it was given tar calls that fatal. */
const FATAL = 2
const GONE = /^tar: \S+\/\S+: Cannot (stat|open): No such file or directory$/
const LAST_WORDS = 'tar: Exiting with failure status due to previous errors'

/**
 * Runs GNU tar to its end.
 * @param input written to its stdin: names of what it is to pack
 * @throws Error that tells what tar said
 */
export async function runTar(args: readonly string[], input: AsyncIterable<string> | undefined): Promise<void> {
  const child = spawn('tar', args, { stdio: ['pipe', 'ignore', 'pipe'], env: { ...process.env, LC_ALL: 'C' } })
  const ended = once(child, 'close')
  const said = text(child.stderr)
  // tar may end before it has read everything: then it has said why.
  await pipeline(Readable.from(input ?? []), child.stdin).catch(() => {})
  const [code] = await ended
  if (code === 0) return
  const lines = (await said).trim().split('\n')
  const failures = lines.filter(line => !GONE.test(line) && line !== LAST_WORDS)
  if (input !== undefined && (code === SOME_FILES_CHANGED || (code === FATAL && failures.length === 0))) return
  throw new Error(failures.at(-1) || `tar ended with ${code}`)
}
