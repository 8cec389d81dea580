import { JankinsError } from '../../../../protocol/errors.js'
import type { Params, Result } from '../../../../protocol/methods.js'
import type { Call } from '../call.js'
import { seal, unseal } from '../seal.js'

export async function setSecret(params: Params<'secret.set'>, call: Call): Promise<Result<'secret.set'>> {
  mustBePrivate(call)
  const { action, secret, value } = params
  const { store, writer, secretKey } = call.services
  const before = (await store.listSecrets(action)).find(row => row.secret === secret)
  if (before && unseal(secretKey, params, before.sealed) === value) return { changed: false }
  await writer.setSecret(action, { secret, sealed: seal(secretKey, params, value) })
  return { changed: true }
}

/** Refused where `secret.set` would be: who asks this first learns it before a value has left. */
export async function listSecrets(params: Params<'secret.list'>, call: Call): Promise<Result<'secret.list'>> {
  mustBePrivate(call)
  const secrets = await call.services.store.listSecrets(params.action)
  return { secrets: secrets.map(({ secret }) => secret) }
}

export const removeSecret = (params: Params<'secret.remove'>, call: Call): Promise<Result<'secret.remove'>> =>
  call.services.writer.removeSecret(params.action, params.secret)

function mustBePrivate({ session }: Call): void {
  if (!session.isPrivate) throw new JankinsError('E_NOT_PRIVATE')
}
