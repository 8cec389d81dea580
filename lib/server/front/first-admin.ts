import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseName } from '../../../protocol/ids.js'
import { LIMITS } from '../../../protocol/limits.js'
import { credentialOf, deriveKeys } from '../../../protocol/scram.js'
import { assert } from '../../base/assert.js'
import type { StoreReader } from '../../store/store.js'
import type { Writer } from '../writer/writer.js'
import { writeSecretFile } from './data-directory.js'

/**
 * Makes the user `admin` when there is no user yet, with a random password in DATA/admin-password. The file comes
 * first: a start that is cut off in between is made good by the next one.
 * @returns path of the file, or undefined when there are users already
 */
export async function makeFirstAdmin(
  dataDir: string,
  reader: Pick<StoreReader, 'listUsers'>,
  writer: Pick<Writer, 'addUser'>,
  nowMs: number,
): Promise<string | undefined> {
  const { users } = await reader.listUsers(undefined, 1)
  if (users.length > 0) return undefined
  const admin = parseName('admin')
  assert(admin, 'admin is a name')
  const path = join(dataDir, 'admin-password')
  const password = randomBytes(16).toString('hex')
  rmSync(path, { force: true })
  writeSecretFile(path, password)
  const salt = randomBytes(16)
  const iterations = LIMITS.scramIterationsDefault.value
  const keys = await deriveKeys(password, salt, iterations)
  await writer.addUser(admin, 'admin', true, credentialOf(keys, salt, iterations), nowMs)
  return path
}
