import type { JobId, Name } from '../../protocol/ids.js'
import type { Queue } from './store.js'

export interface SealedSecret {
  /** Name of the variable. */
  readonly secret: string
  /** Encrypted: the store has no key. */
  readonly sealed: Uint8Array
}

export interface JobSecrets {
  readonly action: Name
  /** By name; at least one. */
  readonly secrets: readonly SealedSecret[]
}

/** A part of StoreReader. */
export interface SecretReader {
  /** By name. @throws JankinsError E_ACTION_NOT_FOUND */
  listSecrets(action: Name): Promise<readonly SealedSecret[]>
  /**
   * Of a RUNNING job the secrets that its action had when it began, whatever became of them since; of any other those
   * that the action has now. Undefined when there are none.
   */
  readJobSecrets(job: JobId): Promise<JobSecrets | undefined>
}

/** A part of StoreWriter: what holds for all of it holds here. */
export interface SecretWriter {
  /**
   * Gives an action a secret in place of the one that it has of this name. What is replaced is kept while a job runs
   * that may have it.
   * @throws JankinsError E_ACTION_NOT_FOUND, E_TOO_MANY
   */
  putSecret(action: Name, secret: SealedSecret, nowMs: number): Promise<Queue>
  /** @throws JankinsError E_ACTION_NOT_FOUND */
  removeSecret(action: Name, secret: string, nowMs: number): Promise<{ changed: boolean; queue: Queue }>
}
