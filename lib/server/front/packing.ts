import type { PackedFrames } from '../ports.js'
import type { ConnectionId } from '../writer/writer.js'

/** uint32 connection, uint32 bytes: little endian, as every machine that runs this is. */
export const PACKED_HEADER_BYTES = 8
/** A frame of so many bytes that has its memory for itself is not copied once more: it travels alone. */
export const ALONE_BYTES_MIN = 64 * 1024

export interface AddressedFrame {
  readonly connection: ConnectionId
  /** Without its length prefix. */
  readonly body: Uint8Array
}

/** Frames in their order, and the memory to transfer with them: the sender's views on it are empty afterwards. */
export interface PackedMessage {
  readonly frames: PackedFrames
  readonly transfer: ArrayBuffer[]
}

/** Copies small frames together into buffers that can be transferred, and lets large ones travel as they are. */
export function packFrames(frames: readonly AddressedFrame[]): PackedMessage {
  const packed: (ArrayBuffer | AddressedFrame)[] = []
  let small: AddressedFrame[] = []
  for (const frame of frames) {
    if (!travelsAlone(frame.body)) {
      small.push(frame)
      continue
    }
    if (small.length > 0) packed.push(packTogether(small))
    small = []
    packed.push(frame)
  }
  if (small.length > 0) packed.push(packTogether(small))
  return { frames: packed, transfer: packed.flatMap(buffersOf) }
}

/** The frames in their order; bodies of small ones are views on what they were packed into. */
export function* unpackFrames(frames: PackedFrames): Generator<{ connection: ConnectionId; body: Buffer }> {
  for (const packed of frames)
    if (packed instanceof ArrayBuffer) yield* unpackTogether(packed)
    else yield { connection: packed.connection, body: bufferOn(packed.body) }
}

/** Not what lies beside others in its memory: they would go with it. */
const travelsAlone = ({ buffer, length }: Uint8Array): boolean =>
  length >= ALONE_BYTES_MIN &&
  (buffer instanceof SharedArrayBuffer || buffer.byteLength <= length + PACKED_HEADER_BYTES)

/** Shared memory stays with the sender too. */
function buffersOf(packed: ArrayBuffer | AddressedFrame): ArrayBuffer[] {
  const buffer = packed instanceof ArrayBuffer ? packed : packed.body.buffer
  return buffer instanceof ArrayBuffer ? [buffer] : []
}

const bufferOn = ({ buffer, byteOffset, length }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, length)

function packTogether(frames: readonly AddressedFrame[]): ArrayBuffer {
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

function* unpackTogether(packed: ArrayBuffer): Generator<{ connection: ConnectionId; body: Buffer }> {
  const bytes = Buffer.from(packed)
  let offset = 0
  while (offset < bytes.length) {
    const connection = bytes.readUInt32LE(offset)
    const end = offset + PACKED_HEADER_BYTES + bytes.readUInt32LE(offset + 4)
    yield { connection, body: bytes.subarray(offset + PACKED_HEADER_BYTES, end) }
    offset = end
  }
}
