import type { JobView } from '../../../protocol/views.js'
import type { Blobs } from '../../blobs/blobs.js'

/** The store knows the length of a log from its end on; until then it is asked where the bytes are. */
export async function withLogBytes(view: JobView, blobs: Blobs): Promise<JobView> {
  if (view.state !== 'RUNNING') return view
  const lengths = await blobs.lengths({ job: view.job, attempt: view.attempt })
  return { ...view, logBytes: lengths.stdout + lengths.stderr }
}
