import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { Blobs } from '../../lib/blobs/blobs.js'
import { JankinsError } from '../../protocol/errors.js'
import type { Sha256 } from '../../protocol/ids.js'

type Bundles = Pick<Blobs, 'writeBundle' | 'bundleBytes' | 'readBundle'>

/** Bundles as they are on the daemon's disk: a power loss takes what is not complete. */
export class BundleDisk {
  readonly #complete = new Map<Sha256, Buffer>()
  readonly #parts = new Map<Sha256, Buffer>()

  loseUnsynced(): void {
    this.#parts.clear()
  }

  /** @param turn the time that a write takes, and how it fails */
  of(turn: () => Promise<void>): Bundles {
    return {
      writeBundle: async (sha256, totalBytes, offset, data) => {
        await turn()
        return this.#write(sha256, totalBytes, offset, data)
      },
      bundleBytes: async sha256 => this.#complete.get(sha256)?.length,
      readBundle: async (sha256, offset, bytesMax) => {
        const bundle = this.#complete.get(sha256)
        if (!bundle) throw new JankinsError('E_BUNDLE_NOT_FOUND')
        return bundle.subarray(offset, offset + bytesMax)
      },
    }
  }

  #write(
    sha256: Sha256,
    totalBytes: number,
    offset: number,
    data: Uint8Array,
  ): { readonly length: number; readonly complete: boolean } {
    if (this.#complete.has(sha256)) return { length: totalBytes, complete: true }
    const part = this.#parts.get(sha256) ?? Buffer.alloc(0)
    if (offset > part.length) throw new JankinsError('E_OFFSET', { length: part.length })
    const grown = Buffer.concat([part, data.subarray(Math.min(data.length, part.length - offset))])
    this.#parts.set(sha256, grown)
    if (grown.length < totalBytes) return { length: grown.length, complete: false }
    this.#parts.delete(sha256)
    if (createHash('sha256').update(grown).digest('hex') !== sha256) throw new JankinsError('E_CHECKSUM', { length: 0 })
    this.#complete.set(sha256, grown)
    return { length: totalBytes, complete: true }
  }
}
