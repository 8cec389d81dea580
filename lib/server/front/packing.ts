import type { PackedFrames } from '../ports.js'
import type { ConnectionId } from '../writer/writer.js'

/** uint32 connection, uint32 bytes: little endian, as every machine that runs this is. */
export const PACKED_HEADER_BYTES = 8

export interface AddressedFrame {
  readonly connection: ConnectionId
  /** Without its length prefix. */
  readonly body: Uint8Array
}

/** Copies frames into one buffer that can be transferred; null when there is none. */
export function packFrames(frames: readonly AddressedFrame[]): PackedFrames | null {
  if (frames.length === 0) return null
  const packedBytes = frames.reduce((sum, { body }) => sum + PACKED_HEADER_BYTES + body.length, 0)
  const packed = Buffer.from(new ArrayBuffer(packedBytes))
  let offset = 0
  for (const { connection, body } of frames) {
    packed.writeUInt32LE(connection, offset)
    packed.writeUInt32LE(body.length, offset + 4)
    packed.set(body, offset + PACKED_HEADER_BYTES)
    offset += PACKED_HEADER_BYTES + body.length
  }
  return packed.buffer as ArrayBuffer
}

/** The frames in their order; each body is a view on `packed`. */
export function* unpackFrames(packed: PackedFrames | null): Generator<{ connection: ConnectionId; body: Buffer }> {
  if (packed === null) return
  const bytes = Buffer.from(packed)
  let offset = 0
  while (offset < bytes.length) {
    const connection = bytes.readUInt32LE(offset)
    const end = offset + PACKED_HEADER_BYTES + bytes.readUInt32LE(offset + 4)
    yield { connection, body: bytes.subarray(offset + PACKED_HEADER_BYTES, end) }
    offset = end
  }
}
