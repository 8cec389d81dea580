import { Buffer } from 'node:buffer'
import { isRequestOf } from '../../../protocol/message.js'
import { leaveSlab } from '../front/frame-slabs.js'

/**
 * The frame as a session may have it. Only the bytes of logs and artifacts are worked on where they arrived, in memory
 * that main uses again: of any other request something may be kept, or be handed on to the writer, which would share
 * that memory.
 */
export function keptFrame(body: Buffer): Buffer {
  if (!(body.buffer instanceof SharedArrayBuffer) || isRequestOf('job.append', body)) return body
  const copy = Buffer.from(body)
  leaveSlab(body)
  return copy
}
