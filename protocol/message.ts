import { Buffer } from 'node:buffer'
import { Decoder, Encoder } from '@msgpack/msgpack'
import { ERROR_CODES, type ErrorDetail, JankinsError, type WireError } from './errors.js'
import { encodeFrame, HEADER_BYTES } from './frame.js'
import { LIMITS } from './limits.js'
import type { Method } from './methods.js'
import { scan } from './scan.js'

/** What the body of one frame says. PROTOCOL.md §3. Ids are uint32; params and results are checked by their schema. */
export type Message =
  | { readonly kind: 'request'; readonly id: number; readonly method: string; readonly params: unknown }
  | { readonly kind: 'reply'; readonly id: number; readonly error: WireError }
  | { readonly kind: 'reply'; readonly id: number; readonly error?: undefined; readonly result: unknown }
  | { readonly kind: 'notice'; readonly method: string; readonly params: unknown }

const REQUEST = 0
const REPLY = 1
const NOTICE = 2
const ID_MAX = 2 ** 32 - 1

// Their options never change and each call leaves them as it found them, so one of each serves a whole thread.
const encoder = new Encoder({ ignoreUndefined: true })
const decoder = new Decoder()

/**
 * Binary values in the message are views on `body`: it belongs to the message from now on and must not be written to
 * again. Whoever keeps such a value for long copies it, else the whole frame stays in memory.
 * @param nodesMax most values in the frame; a client lets in LIMITS.replyBytesMax, since a page may hold many small ones
 * @throws JankinsError E_BAD_FRAME with detail.reason: the connection is to be closed
 */
export function decodeMessage(body: Uint8Array, nodesMax: number = LIMITS.nodesMax.value): Message {
  scan(body, nodesMax)
  const parts = decoder.decode(body)
  if (!Array.isArray(parts)) throw bad('not an array')
  const [type] = parts
  if (type === REQUEST && parts.length === 4) {
    const [, id, method, params] = parts
    return { kind: 'request', id: readId(id), method: readMethod(method), params }
  }
  if (type === REPLY && parts.length === 4) {
    const [, id, error, result] = parts
    if (error === null) return { kind: 'reply', id: readId(id), result }
    return { kind: 'reply', id: readId(id), error: readError(error) }
  }
  if (type === NOTICE && parts.length === 3) {
    const [, method, params] = parts
    return { kind: 'notice', method: readMethod(method), params }
  }
  throw bad('neither request, reply nor notice')
}

/** Map fields that are undefined are left out, here and below. The result is a buffer of its own. */
export const encodeRequest = (id: number, method: string, params: unknown): Uint8Array =>
  encoder.encode([REQUEST, id, method, params])

/** From here on binary data is not copied into the message: a chunk of a log, of an archive. Bytes. */
const APART_BYTES_MIN = 16 * 1024
const NO_BYTES = new Uint8Array(0)
/** MessagePack: bin 32, and bin 8 of no byte. */
const BIN_32 = 0xc6
const BIN_32_BYTES = 5
/** MessagePack: text of less than 32 bytes, its length in the lower bits. */
const SHORT_TEXT = 0xa0
const EMPTY_BIN_BYTES = 2

/**
 * A request as the pieces of its frame, prefix included. Large `data` among the params is a piece of its own, the last
 * one and not a copy: it must stay as it is until it was sent. Nothing else may be larger than a frame.
 * @returns also how long the body is
 */
export function encodeRequestFrame(
  id: number,
  method: string,
  params: Readonly<Record<string, unknown>>,
): { readonly pieces: readonly Uint8Array[]; readonly bodyBytes: number } {
  const { data, ...others } = params
  if (!(data instanceof Uint8Array) || data.length < APART_BYTES_MIN) {
    const frame = encodeFrame(encodeRequest(id, method, params))
    return { pieces: [frame], bodyBytes: frame.length - HEADER_BYTES }
  }
  // The last field of the last value: with its bytes missing, what it says of their number ends the message.
  const empty = encodeRequest(id, method, { ...others, data: NO_BYTES })
  const head = Buffer.from(empty.buffer, empty.byteOffset, empty.length - EMPTY_BIN_BYTES)
  const start = Buffer.allocUnsafe(HEADER_BYTES + head.length + BIN_32_BYTES)
  const bodyBytes = start.length - HEADER_BYTES + data.length
  start.writeUInt32BE(bodyBytes, 0)
  head.copy(start, HEADER_BYTES)
  start.writeUInt8(BIN_32, HEADER_BYTES + head.length)
  start.writeUInt32BE(data.length, HEADER_BYTES + head.length + 1)
  return { pieces: [start, data], bodyBytes }
}

export const encodeReply = (id: number, result: unknown): Uint8Array => encoder.encode([REPLY, id, null, result])

/** Free bytes before the data of a reply that encodeReplyAround needs, as a rule. */
export const REPLY_HEAD_BYTES = 256

/**
 * As encodeReply, without a copy of the large binary that `result` holds: it becomes the last value, and what comes
 * before it is written into the memory right before it.
 * @param memory where it lies; undefined is returned where it does not, or where the room before it is too small
 */
export function encodeReplyAround(id: number, result: unknown, { buffer }: Uint8Array): Uint8Array | undefined {
  const apart = takeApart(result)
  if (apart?.data.buffer !== buffer) return undefined
  const { data } = apart
  const empty = encodeReply(id, apart.emptied)
  const start = data.byteOffset - (empty.length - EMPTY_BIN_BYTES + BIN_32_BYTES)
  if (start < 0) return undefined
  const body = new Uint8Array(buffer, start, data.byteOffset + data.length - start)
  body.set(empty.subarray(0, -EMPTY_BIN_BYTES))
  const head = new DataView(buffer, data.byteOffset - BIN_32_BYTES)
  head.setUint8(0, BIN_32)
  head.setUint32(1, data.length)
  return body
}

/** A large binary, and the value that it is in with nothing in its place: the last thing that is encoded. */
function takeApart(value: unknown): { readonly data: Uint8Array; readonly emptied: unknown } | undefined {
  if (value instanceof Uint8Array)
    return value.length < APART_BYTES_MIN ? undefined : { data: value, emptied: NO_BYTES }
  if (Array.isArray(value)) {
    const last = takeApart(value.at(-1))
    return last && { data: last.data, emptied: [...value.slice(0, -1), last.emptied] }
  }
  if (!isMap(value)) return undefined
  for (const [key, item] of Object.entries(value)) {
    const apart = takeApart(item)
    if (!apart) continue
    const { [key]: _taken, ...others } = value
    return { data: apart.data, emptied: { ...others, [key]: apart.emptied } }
  }
  return undefined
}

export function encodeErrorReply(id: number, error: JankinsError): Uint8Array {
  const wire: WireError = {
    code: error.code,
    message: ERROR_CODES[error.code].text,
    detail: error.detail,
    retry: error.retry,
  }
  return encoder.encode([REPLY, id, wire, null])
}

export const encodeNotice = (method: string, params: unknown): Uint8Array => encoder.encode([NOTICE, method, params])

/** An array of four, REQUEST, and an id of at most five bytes come before the method. */
const METHOD_OFFSET_MAX = 1 + 1 + 5

/** Whether the body of a frame, if it is a request at all, names this method. Looks at its first bytes only. */
export function isRequestOf(method: Method, body: Buffer): boolean {
  const offset = body.subarray(0, METHOD_OFFSET_MAX + 1 + method.length).indexOf(method)
  return offset > 0 && body[offset - 1] === (SHORT_TEXT | method.length)
}

function readId(id: unknown): number {
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > ID_MAX) throw bad('an id that is not uint32')
  return id
}

function readMethod(method: unknown): string {
  if (typeof method !== 'string') throw bad('a method that is not text')
  return method
}

/** Only the code must be there: an older or newer daemon may say less or more beside it. */
function readError(error: unknown): WireError {
  if (!isMap(error) || typeof error.code !== 'string') throw bad('an error without a code')
  const { code, message, detail, retry } = error
  return {
    code,
    message: typeof message === 'string' ? message : '',
    detail: isMap(detail) ? readDetail(detail) : {},
    retry: retry === true,
  }
}

function readDetail(detail: Readonly<Record<string, unknown>>): ErrorDetail {
  const facts: Record<string, string | number> = {}
  for (const [key, value] of Object.entries(detail))
    if (typeof value === 'string' || typeof value === 'number') facts[key] = value
  return facts
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

const bad = (reason: string): JankinsError => new JankinsError('E_BAD_FRAME', { reason })
