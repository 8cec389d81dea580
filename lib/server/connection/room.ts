import { JankinsError } from '../../../protocol/errors.js'
import type { Call } from './call.js'

/** New work, and bytes that are not the end of a job, are taken only while the reserve is free. @throws E_STORE_FULL */
export function checkRoom({ services }: Call, bytes = 0): void {
  if (services.room?.isShort(bytes)) throw new JankinsError('E_STORE_FULL')
}

/**
 * Runs what ends a job, and once more in the space that is held for that where the disk was full.
 * @throws JankinsError E_STORE_FULL when that is used up too
 */
export async function inReserve<T>({ services }: Call, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const isFull = error instanceof JankinsError && error.code === 'E_STORE_FULL'
    if (!isFull || !services.room?.release()) throw error
    return await work()
  }
}
