import { strictEqual } from 'node:assert'
import { Buffer } from 'node:buffer'
import type { Wire } from '../../lib/base/wire.js'
import { encodeFrame, FrameDecoder, HEADER_BYTES } from '../../protocol/frame.js'
import { LIMITS } from '../../protocol/limits.js'
import { decodeMessage, encodeRequest } from '../../protocol/message.js'
import {
  type ClientFirst,
  clientFinal,
  clientFirst,
  deriveKeys,
  readClientFirst,
  readServerFirst,
} from '../../protocol/scram.js'
import { PROTOCOL_VERSION } from '../../protocol/version.js'

/** Golden conversations in hex: the format is told at the top of protocol/transcripts/authentication.txt. */

/** Bytes that are always the same, or a hole that differs from run to run and has an example. Hex, lower case. */
export interface Part {
  readonly hex: string
  readonly hole?: { readonly name: string; readonly anyLength: boolean }
}
export type Step =
  | { readonly kind: 'client' | 'server'; readonly line: number; readonly parts: readonly Part[] }
  | { readonly kind: 'auth' | 'connect' | 'close'; readonly line: number; readonly user: string }

/** @throws Error that names the line */
export function parseTranscript(text: string): readonly Step[] {
  const steps: Step[] = []
  for (const [index, whole] of text.split('\n').entries()) {
    const line = index + 1
    const said = whole.replace(/#.*/, '').trimEnd()
    const [, head = '', rest = ''] = /^([CS]:|@[a-z]+|)(.*)$/.exec(said) ?? []
    const last = steps.at(-1)
    if (head === 'C:' || head === 'S:')
      steps.push({ kind: head === 'C:' ? 'client' : 'server', line, parts: parseParts(rest, line) })
    else if (head === '@auth' || head === '@connect' || head === '@close')
      steps.push({ kind: head === '@auth' ? 'auth' : head === '@close' ? 'close' : 'connect', line, user: rest.trim() })
    else if (rest.startsWith(' ') && (last?.kind === 'client' || last?.kind === 'server'))
      steps[steps.length - 1] = { ...last, parts: [...last.parts, ...parseParts(rest, line)] }
    else if (said !== '') throw new Error(`line ${line} is neither C:, S:, a directive nor a continuation`)
  }
  return steps
}

function parseParts(text: string, line: number): Part[] {
  return text.split(/(<[^>]*>)/).flatMap(piece => {
    const [, name, star, inHole] = /^<(_|[a-z][A-Za-z0-9]*)(\*?):([0-9a-f ]*)>$/.exec(piece) ?? []
    const hex = (inHole ?? piece).replaceAll(' ', '')
    if (!/^([0-9a-f]{2})*$/.test(hex)) throw new Error(`line ${line}: ${piece.trim()} is not whole bytes in hex`)
    if (hex === '' && name === undefined) return []
    return [{ hex, ...(name !== undefined && { hole: { name, anyLength: star === '*' } }) }]
  })
}

/** The bytes of a step with its examples in the holes. */
export const exampleBytes = (parts: readonly Part[]): Buffer => Buffer.from(parts.map(({ hex }) => hex).join(''), 'hex')

export interface ReplayOptions {
  /** A new connection to a daemon that nobody else uses; called once for each one that the transcript opens. */
  open(): Promise<Wire>
  /** Of the account that the transcript names. */
  password(user: string): string
}

/** Says the C lines to a daemon and holds its answers against the S lines. Rejects where they differ. */
export async function replayTranscript(text: string, options: ReplayOptions): Promise<void> {
  const holes = new Map<string, string>()
  let talk = await Talk.begin(options)
  for (const step of parseTranscript(text)) {
    switch (step.kind) {
      case 'client':
        await talk.say(await fillHoles(step.parts, holes, talk, options))
        break
      case 'server':
        matchFrame(step.parts, await talk.hear(step.line), holes, step.line)
        break
      case 'auth':
        await authenticate(talk, step.user, options.password(step.user))
        break
      case 'close':
        strictEqual(await talk.hearOrEnd(), undefined, `line ${step.line}: the daemon closes the connection`)
        break
      case 'connect':
        talk.destroy()
        talk = await Talk.begin(options)
    }
  }
  talk.destroy()
}

async function fillHoles(
  parts: readonly Part[],
  holes: Map<string, string>,
  talk: Talk,
  options: ReplayOptions,
): Promise<Buffer> {
  if (parts.some(({ hole }) => hole?.name === 'proof')) await prove(holes, talk, options)
  return Buffer.from(parts.map(({ hex, hole }) => (hole && holes.get(hole.name)) ?? hex).join(''), 'hex')
}

/** Holds one frame against an S line; holes that are seen for the first time keep their bytes. */
function matchFrame(parts: readonly Part[], body: Buffer, holes: Map<string, string>, line: number): void {
  const names: string[] = []
  const pattern = parts.map(({ hex, hole }) => {
    if (!hole) return hex
    const known = holes.get(hole.name)
    if (known !== undefined) return known
    const any = hole.anyLength ? '(?:[0-9a-f]{2})*?' : `[0-9a-f]{${hex.length}}`
    if (hole.name === '_') return any
    names.push(hole.name)
    return `(${any})`
  })
  // A hole of any length makes the length of the frame differ too.
  if (parts.some(({ hole }) => hole?.anyLength)) pattern[0] = `[0-9a-f]{8}${pattern[0]?.slice(2 * HEADER_BYTES)}`
  const heard = encodeFrame(body).toString('hex')
  const match = new RegExp(`^${pattern.join('')}$`).exec(heard)
  if (!match) {
    const expected = exampleBytes(parts).subarray(HEADER_BYTES)
    strictEqual(shown(body), shown(expected), `line ${line}: another answer`)
    strictEqual(heard, exampleBytes(parts).toString('hex'), `line ${line}: another answer`)
  }
  for (const [i, name] of names.entries()) holes.set(name, match?.[i + 1] ?? '')
}

const shown = (body: Uint8Array): string =>
  JSON.stringify(decodeMessage(body, LIMITS.replyBytesMax.value), undefined, 1)

/** Computes the holes `proof` and `signature` of the authentication that was begun: base64, as they stand on the wire. */
async function prove(holes: Map<string, string>, talk: Talk, options: ReplayOptions): Promise<void> {
  const first = readClientFirst(dataOf(talk.lastSaid))
  const { message, serverSignature } = await finalMessage(first, dataOf(talk.lastHeard), options.password(first.user))
  holes.set('proof', Buffer.from(message.slice(message.indexOf(',p=') + 3)).toString('hex'))
  holes.set('signature', Buffer.from(Buffer.from(serverSignature).toString('base64')).toString('hex'))
}

export async function finalMessage(
  first: ClientFirst,
  challenge: Uint8Array,
  password: string,
): Promise<{ message: string; serverSignature: Uint8Array }> {
  const { salt, iterations, state } = readServerFirst({ ...first, channel: Buffer.from(first.gs2Header) }, challenge)
  const { message, serverSignature } = clientFinal(state, await deriveKeys(password, salt, iterations))
  return { message: Buffer.from(message).toString(), serverSignature }
}

async function authenticate(talk: Talk, user: string, password: string): Promise<void> {
  const { message: data } = clientFirst(user, 'a nonce of a test'.replaceAll(' ', '-'))
  const start = { protocol: PROTOCOL_VERSION, client: 'transcript', mechanism: 'SCRAM-SHA-256', data }
  await talk.say(encodeFrame(encodeRequest(1, 'auth.start', start)))
  const final = await finalMessage(readClientFirst(data), dataOf(await talk.hear(0)), password)
  await talk.say(encodeFrame(encodeRequest(2, 'auth.finish', { data: Buffer.from(final.message) })))
  dataOf(await talk.hear(0))
}

/** The SCRAM message in a request or reply of the authentication. */
export function dataOf(body: Uint8Array): Uint8Array {
  const message = decodeMessage(body)
  const map = (message.kind === 'request' ? message.params : 'result' in message ? message.result : message) as {
    data?: unknown
  }
  if (!(map.data instanceof Uint8Array)) throw new Error(`no authentication: ${JSON.stringify(message)}`)
  return map.data
}

/** One connection of a replay. */
class Talk {
  readonly #wire: Wire
  readonly #decoder = new FrameDecoder(LIMITS.frameBytesMax.value)
  #ended: boolean = false
  #wake: (() => void) | undefined
  lastSaid: Buffer = Buffer.alloc(0)
  lastHeard: Buffer = Buffer.alloc(0)

  static async begin(options: ReplayOptions): Promise<Talk> {
    return new Talk(await options.open())
  }
  constructor(wire: Wire) {
    this.#wire = wire
    wire.listen({
      onData: chunk => {
        this.#decoder.push(Buffer.from(chunk))
        this.#wake?.()
      },
      onClose: () => {
        this.#ended = true
        this.#wake?.()
      },
    })
  }
  async say(bytes: Buffer): Promise<void> {
    this.lastSaid = bytes.subarray(HEADER_BYTES)
    this.#wire.write(bytes)
  }
  async hear(line: number): Promise<Buffer> {
    const body = await this.hearOrEnd()
    if (!body) throw new Error(`line ${line}: the daemon closed the connection instead of answering`)
    this.lastHeard = body
    return body
  }
  /** The next frame, or undefined when there is none before the end. */
  async hearOrEnd(): Promise<Buffer | undefined> {
    for (;;) {
      const body = this.#decoder.next()
      if (body || this.#ended) return body
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }
  destroy(): void {
    this.#wire.destroy()
  }
}
