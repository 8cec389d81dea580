import { JankinsError } from '../../../../protocol/errors.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'
import { heldLease } from '../held.js'
import { checkRoom } from '../room.js'

export async function writeBundle(params: Params<'bundle.write'>, call: Call): Promise<Result<'bundle.write'>> {
  const { sha256, totalBytes, offset, data } = params
  checkRoom(call, data.length)
  return await call.services.blobs.writeBundle(sha256, totalBytes, offset, data)
}

export async function readBundle(params: Params<'bundle.read'>, call: Call): Promise<Result<'bundle.read'>> {
  const { blobs } = call.services
  const { bundle } = heldLease(call, params.job, params.lease)
  const totalBytes = bundle === undefined ? undefined : await blobs.bundleBytes(bundle)
  if (bundle === undefined || totalBytes === undefined)
    throw new JankinsError('E_BUNDLE_NOT_FOUND', { job: params.job })
  const offset = Math.min(params.offset, totalBytes)
  const bytesMax = Math.min(params.bytesMax, totalBytes - offset)
  await call.reserve(bytesMax)
  return { data: bytesMax > 0 ? await blobs.readBundle(bundle, offset, bytesMax) : new Uint8Array(), totalBytes }
}
