import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'

/** A file that changed or went while it was read is no failure: it was cut to the length that it had. tar(1). */
const SOME_FILES_CHANGED = 1

/**
 * Runs GNU tar to its end.
 * @param input written to its stdin
 * @throws Error that tells what tar said
 */
export async function runTar(args: readonly string[], input: AsyncIterable<string> | undefined): Promise<void> {
  const child = spawn('tar', args, { stdio: ['pipe', 'ignore', 'pipe'], env: { ...process.env, LC_ALL: 'C' } })
  const ended = once(child, 'close')
  const said = text(child.stderr)
  // tar may end before it has read everything: then it has said why.
  await pipeline(Readable.from(input ?? []), child.stdin).catch(() => {})
  const [code] = await ended
  if (code === 0 || (input !== undefined && code === SOME_FILES_CHANGED)) return
  throw new Error((await said).trim().split('\n').at(-1) || `tar ended with ${code}`)
}
