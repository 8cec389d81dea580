import { HEADER_BYTES } from '../../../protocol/frame.js'
import type { FromThread, PackedFrames } from '../ports.js'
import type { ConnectionId } from '../writer/writer.js'
import type { FrontConnection } from './connection.js'
import { unpackFrames } from './packing.js'

interface Replies {
  readonly connection: FrontConnection
  readonly bodies: Buffer[]
  bodyBytes: number
}

/** Hands on the replies of one message: who is admitted, frames, what needed no answer, then verdicts. */
export function deliver(message: FromThread, connections: ReadonlyMap<ConnectionId, FrontConnection>): void {
  for (const verdict of message.verdicts)
    if (verdict.kind === 'ready') connections.get(verdict.connection)?.admit(verdict.user)
  const touched = new Set<FrontConnection>()
  for (const packed of message.frames) {
    const packedBytes = packed instanceof ArrayBuffer ? packed.byteLength : packed.body.length
    for (const replies of gather(packed, connections).values()) {
      send(replies, packedBytes)
      replies.connection.handled(replies.bodies.length)
      touched.add(replies.connection)
    }
  }
  for (const [id, count] of message.handled) {
    const connection = connections.get(id)
    connection?.handled(count)
    if (connection) touched.add(connection)
  }
  for (const connection of touched) connection.flush()
  for (const verdict of message.verdicts) connections.get(verdict.connection)?.obey(verdict)
}

function gather(
  packed: PackedFrames[number],
  connections: ReadonlyMap<ConnectionId, FrontConnection>,
): ReadonlyMap<ConnectionId, Replies> {
  const gathered = new Map<ConnectionId, Replies>()
  for (const { connection: id, body } of unpackFrames([packed])) {
    const known = gathered.get(id)
    const connection = known?.connection ?? connections.get(id)
    if (!connection) continue
    const replies = known ?? { connection, bodies: [], bodyBytes: 0 }
    replies.bodies.push(body)
    replies.bodyBytes += body.length
    gathered.set(id, replies)
  }
  return gathered
}

function send({ connection, bodies, bodyBytes }: Replies, packedBytes: number): void {
  // A view keeps the whole message alive for as long as a slow reader takes: only for who is most of it.
  const isMost = bodyBytes * 2 > packedBytes && bodyBytes > bodies.length * 1024
  if (isMost) {
    for (const body of bodies) {
      connection.send(lengthPrefix(body.length), 0)
      connection.send(body, body.length)
    }
    return
  }
  const frames = Buffer.allocUnsafe(bodyBytes + bodies.length * HEADER_BYTES)
  let offset = 0
  for (const body of bodies) {
    offset = frames.writeUInt32BE(body.length, offset)
    offset += body.copy(frames, offset)
  }
  connection.send(frames, bodyBytes)
}

function lengthPrefix(bodyBytes: number): Buffer {
  const prefix = Buffer.allocUnsafe(HEADER_BYTES)
  prefix.writeUInt32BE(bodyBytes)
  return prefix
}
