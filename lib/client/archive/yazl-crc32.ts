import { crc32 } from 'node:zlib'

/**
 * What yazl asks of buffer-crc32, by node's own CRC-32: the build puts this in its place (scripts/build.mjs). In
 * JavaScript the checksum was a third of what packing and sending artifacts took.
 * @param before of the bytes before these
 */
export const unsigned = (data: Uint8Array, before = 0): number => (data.length === 0 ? before : crc32(data, before)) // of nothing it forgets the value that it was given
