import type { Test } from 'tap'
import type { Store } from '../../lib/store/store.js'
import { accountsContract } from './contract-accounts.js'
import { eventsContract } from './contract-events.js'
import { jobsContract } from './contract-jobs.js'
import { keysContract } from './contract-keys.js'
import { queriesContract } from './contract-queries.js'
import { secretsContract } from './contract-secrets.js'

/** Opens an empty store and sees to its end with the test. */
export type OpenStore = (t: Test) => Promise<Store>

/** What every implementation of Store has to keep. */
export function storeContract(t: Test, openStore: OpenStore): void {
  accountsContract(t, openStore)
  eventsContract(t, openStore)
  jobsContract(t, openStore)
  keysContract(t, openStore)
  queriesContract(t, openStore)
  secretsContract(t, openStore)
}
