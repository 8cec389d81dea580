import { JankinsError } from '../../../protocol/errors.js'
import type { JobView } from '../../../protocol/views.js'
import type { Blobs } from '../../blobs/blobs.js'
import type { StoreReader } from '../../store/store.js'
import { readSoundOrder } from '../grants.js'

/** The store knows the length of a log from its end on; until then it is asked where the bytes are. */
export async function withLogBytes(view: JobView, blobs: Blobs): Promise<JobView> {
  if (view.state !== 'RUNNING') return view
  const lengths = await blobs.lengths({ job: view.job, attempt: view.attempt })
  return { ...view, logBytes: lengths.stdout + lengths.stderr }
}

/**
 * Why a job that waits is not given out. It is looked for in the rows, not remembered: so it is told from the first
 * moment on, by every start of the daemon, and no longer once the rows are mended. Reads all that the job is to run:
 * for single jobs, not for long lists.
 */
export async function withAside(view: JobView, store: Pick<StoreReader, 'readOrder'>): Promise<JobView> {
  if (view.state !== 'PENDING') return view
  try {
    await readSoundOrder(store, view.job)
    return view
  } catch (error) {
    if (!(error instanceof JankinsError) || error.code !== 'E_JOB_DAMAGED') throw error
    return { ...view, aside: String(error.detail.reason) }
  }
}
