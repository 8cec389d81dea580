import { JankinsError } from '../../protocol/errors.js'

/** The code of a file system error, such as ENOENT; undefined for anything else. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

/** A disk or quota that is full becomes E_STORE_FULL; every other error stays what it is. */
export function asStoreError(error: unknown): unknown {
  const code = codeOf(error)
  return code === 'ENOSPC' || code === 'EDQUOT' ? new JankinsError('E_STORE_FULL', {}, { cause: error }) : error
}

/** Runs file system calls. @throws JankinsError E_STORE_FULL where the disk was full */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asStoreError(error)
  }
}
