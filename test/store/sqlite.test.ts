import t from 'tap'
import { silentLog } from '../../lib/base/log.js'
import { openStore } from '../../lib/store/open.js'
import { storeContract } from './contract.js'

storeContract(t, async t => {
  const store = openStore(t.testdir(), silentLog)
  t.teardown(() => store.close())
  return store
})
