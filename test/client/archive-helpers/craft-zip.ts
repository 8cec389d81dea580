import { crc32, deflateRawSync } from 'node:zlib'

/** One entry of a zip that is made by hand: every field may lie. */
export interface Crafted {
  readonly name: string | Buffer
  readonly data?: string | Buffer
  /** Unix type and permissions; 0o100644 by default. */
  readonly mode?: number
  readonly method?: 0 | 8 | 99
  readonly flags?: number
  /** What the archive claims, when it is not the truth. */
  readonly bytes?: number
  readonly packedBytes?: number
  readonly crc?: number
}

/** Writes local records, a central directory and its end, nothing else (APPNOTE.TXT 4.3). */
export function craftZip(entries: readonly Crafted[]): Buffer {
  const locals: Buffer[] = []
  const centrals: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const name = Buffer.from(entry.name)
    const data = Buffer.from(entry.data ?? '')
    const method = entry.method ?? 0
    const packed = method === 8 ? deflateRawSync(data) : data
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(entry.flags ?? 0x800, 2)
    common.writeUInt16LE(method, 4)
    common.writeUInt32LE(0x58_21_00_00, 6)
    common.writeUInt32LE(entry.crc ?? crc32(data), 10)
    common.writeUInt32LE(entry.packedBytes ?? packed.length, 14)
    common.writeUInt32LE(entry.bytes ?? data.length, 18)
    common.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, packed])
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 6)
    rest.writeUInt32LE(offset, 10)
    centrals.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03', 'latin1'), common, rest, name]))
    locals.push(local)
    offset += local.length
  }
  const central = Buffer.concat(centrals)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, central, end])
}
