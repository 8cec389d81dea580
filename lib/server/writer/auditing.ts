import { type AuditEntry, type EntryText, entryText } from '../../audit/line.js'
import type { Timer } from '../../base/clock.js'
import type { Core } from './core.js'
import type { Writer } from './writer.js'

/** Refusals that are alike are counted for so long, and told in one line. */
const ALIKE_MS = 60_000
/** Kinds of refusals that are counted apart at once; what comes beyond is counted together. */
const KINDS_MAX = 1_000

interface Alike {
  /** Those without a line of their own. */
  count: number
  /** The last one. */
  entry: AuditEntry
  readonly timer: Timer
}

/** Writes who asked for what; the contract is that of Writer. A flood of refusals makes few lines. */
export function createAuditing(core: Core): Pick<Writer, 'noteRequest' | 'noteRefusal'> & { stop(): void } {
  const alike = new Map<string, Alike>()

  const note = async (entry: EntryText): Promise<void> => {
    if (!core.audit) return
    core.audit.note(entry)
    await core.store.commit()
  }

  /** The first one has a line at once, those that follow one together. */
  const noteRefusal = async (entry: AuditEntry): Promise<void> => {
    const kind = kindOf(entry, alike)
    const known = alike.get(kind)
    if (known) {
      known.count++
      known.entry = entry
      return
    }
    const timer = core.clock.after(ALIKE_MS, () => tellRest(kind), { background: true })
    alike.set(kind, { count: 0, entry, timer })
    await note(entryText(entry))
  }

  const tellRest = (kind: string): void => {
    const known = alike.get(kind)
    alike.delete(kind)
    known?.timer.cancel()
    if (!known || known.count === 0) return
    note(entryText({ ...known.entry, count: known.count })).catch(error =>
      core.log.error('refusals are missing in the audit log', { count: known.count }, error),
    )
  }

  return {
    noteRequest: note,
    async noteRefusal(entry) {
      if (core.audit) await noteRefusal(entry)
    },
    stop() {
      for (const kind of [...alike.keys()]) tellRest(kind)
    },
  }
}

function kindOf({ address, user, method, refused }: AuditEntry, known: ReadonlyMap<string, unknown>): string {
  const host = address.slice(0, Math.max(0, address.lastIndexOf(':')))
  const kind = JSON.stringify([host, user, method, refused])
  return known.has(kind) || known.size < KINDS_MAX ? kind : 'others'
}
