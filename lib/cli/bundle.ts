import type { Sha256 } from '../../protocol/ids.js'
import { sendBundle } from '../client/bundle.js'
import type { ResilientClient } from '../client/resilient.js'
import type { Context } from './command.js'
import { startProgress } from './progress.js'

/** Packs a directory and sends it to the daemon, for `--with`. Undefined when none was named. */
export async function bundleOf(
  context: Context,
  client: ResilientClient,
  dir: string | undefined,
): Promise<Sha256 | undefined> {
  if (dir === undefined) return undefined
  const { packDirectory } = await import('../client/archive/pack-directory.js')
  const bundle = await packDirectory(dir)
  const progress = startProgress(context, `sending ${dir}`)
  try {
    await sendBundle(client, bundle, progress.update)
  } finally {
    progress.end()
  }
  return bundle.sha256
}
