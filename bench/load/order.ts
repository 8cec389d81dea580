import type { Account } from './login.js'
import type { Load } from './loop.js'

/** What a load process is told to do. */
export interface LoadOrder {
  readonly kind: 'queue' | 'finish' | 'connect' | 'beat' | 'beanstalk-put' | 'beanstalk-take' | 'gearman-submit'
  readonly port: number
  /** Of this process. */
  readonly connections: number
  readonly seconds: number
  readonly operationsMax?: number
  /** Of this process; as fast as the answers come when missing. */
  readonly operationsPerSecond?: number
  /** Of jankins; its peers ask nobody who they are. */
  readonly account?: Account
  /** Names the workers of this process. */
  readonly process: number
}

/** From a load process: it is connected and waits to be told `go`; then what it saw. */
export type FromLoad = { readonly kind: 'ready' } | { readonly kind: 'done'; readonly load: Load }
