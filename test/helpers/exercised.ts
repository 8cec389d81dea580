import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Dial, Wire, WireHandlers } from '../../lib/base/wire.js'
import { COMMANDS, type CommandName } from '../../lib/cli/commands.js'
import { FrameDecoder } from '../../protocol/frame.js'
import { LIMITS } from '../../protocol/limits.js'
import { decodeMessage } from '../../protocol/message.js'

const seen = new Set<string>()

/**
 * Notes that this test run used a method, an error code, an option of an action or a flag. `npm test` fails at its end
 * when one of the tables' rows was never noted: scripts/exercised.mjs.
 */
export function exercised(kind: 'method' | 'error' | 'option' | 'flag', name: string): void {
  const line = `${kind} ${name}`
  if (process.env.JANKINS_EXERCISED === undefined || seen.has(line)) return
  seen.add(line)
  appendFileSync(join(process.env.JANKINS_EXERCISED, `${process.pid}`), `${line}\n`)
}

/** Reads along on every connection and notes the methods that are called and the errors that come back. */
export function recordingDial(dial: Dial): Dial {
  return async (address, security) => recordingWire(await dial(address, security))
}

/** Notes the flags of a command line that is about to be run. */
export function noteFlags(argv: readonly string[]): void {
  const dashes = argv.indexOf('--')
  const own = dashes < 0 ? argv : argv.slice(0, dashes)
  const command = ['users', 'invites', 'audit', 'secret'].includes(own[0] ?? '') ? own.slice(0, 2).join(' ') : own[0]
  const long = new Map<string, string>(
    Object.entries(COMMANDS[command as CommandName]?.options ?? {}).flatMap(
      ([name, spec]: [string, { short?: string }]) =>
        spec.short === undefined ? [] : [[`-${spec.short}`, `--${name}`]],
    ),
  )
  for (const word of own)
    if (word.startsWith('-')) exercised('flag', `${command} ${long.get(word) ?? word.split('=')[0]}`)
}

function recordingWire(wire: Wire): Wire {
  const asked = new FrameDecoder(LIMITS.frameBytesMax.value)
  const answered = new FrameDecoder(LIMITS.frameBytesMax.value)
  return {
    ...(wire.bindings && { bindings: wire.bindings }),
    write: bytes => {
      readAlong(asked, bytes)
      return wire.write(bytes)
    },
    pause: () => wire.pause(),
    resume: () => wire.resume(),
    end: () => wire.end(),
    destroy: () => wire.destroy(),
    listen: (handlers: WireHandlers) =>
      wire.listen({
        ...handlers,
        onData: bytes => {
          readAlong(answered, bytes)
          handlers.onData(bytes)
        },
      }),
  }
}

/** Hostile bytes are some tests' whole point: what cannot be read is nobody's method. */
function readAlong(decoder: FrameDecoder, bytes: Uint8Array): void {
  try {
    decoder.push(Buffer.from(bytes))
    for (let body = decoder.next(); body !== undefined; body = decoder.next()) note(body)
  } catch {}
}

function note(body: Uint8Array): void {
  const message = decodeMessage(body)
  if (message.kind === 'reply') {
    if (message.error !== undefined) exercised('error', message.error.code)
    return
  }
  exercised('method', message.method)
  if (message.method !== 'action.add' && message.method !== 'job.exec') return
  for (const option of Object.keys(message.params as object)) exercised('option', option)
}
