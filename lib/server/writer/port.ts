import type { MessagePort } from 'node:worker_threads'
import { isErrorCode, JankinsError } from '../../../protocol/errors.js'
import type { Log } from '../../base/log.js'
import { createAwake } from '../awake.js'
import type { WriterAnswer, WriterCall } from '../ports.js'
import { ShutOut } from './shut-out.js'
import type { Writer } from './writer.js'

type Call = Exclude<keyof Writer, 'onSessionsEnd'>

/** Every call of the interface: one that is missing here does not compile. */
const CALLS: { readonly [M in Call]: true } = {
  addUser: true,
  noteRequest: true,
  noteRefusal: true,
  setPassword: true,
  setUserState: true,
  addInvite: true,
  revokeInvite: true,
  register: true,
  noteDurableLengths: true,
  setPinned: true,
  addAction: true,
  setSecret: true,
  removeSecret: true,
  setActionActive: true,
  queueJobs: true,
  execJob: true,
  stopJob: true,
  attach: true,
  claim: true,
  cancelClaim: true,
  acknowledge: true,
  acknowledgePlain: true,
  decline: true,
  resume: true,
  started: true,
  finish: true,
  waitForEnd: true,
  waitForLog: true,
  cancelWait: true,
  logGrew: true,
  explainWait: true,
  runningOf: true,
  drainWorker: true,
  listWorkers: true,
  counters: true,
  connectionClosed: true,
}

/** What may take its time. */
const PARKED: ReadonlySet<string> = new Set<Call>(['claim', 'waitForEnd', 'waitForLog'])
/** Where more is under way there is something else to do meanwhile. */
const QUICK_MAX = 4

interface Pending {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * The writer as a connection thread has it: calls cross the port, all of one turn in one message, and are made there
 * in the same order. A failure of the writer itself rejects with a plain Error; its stack is in the writer's log.
 */
export function writerOverPort(port: MessagePort): Writer {
  const pending = new Map<number, Pending>()
  const shutOut = new ShutOut()
  const quick = new Set<number>()
  const awake = createAwake(() => quick.size > 0 && quick.size <= QUICK_MAX)
  const post = batched<WriterCall>(setImmediate, calls => {
    port.postMessage(calls)
    awake.called()
    awake.waits()
  })
  let lastCall = 0
  port.on('message', (answers: readonly WriterAnswer[]) => {
    awake.answered()
    for (const answer of answers) {
      if ('sessionsEnd' in answer) {
        shutOut.tell(answer.sessionsEnd)
        continue
      }
      const waiting = pending.get(answer.call)
      pending.delete(answer.call)
      quick.delete(answer.call)
      if ('failure' in answer) waiting?.reject(new Error(`the writer failed: ${answer.failure}`))
      else if ('error' in answer) waiting?.reject(errorOf(answer.error))
      else waiting?.resolve(answer.result)
    }
  })
  const call = (method: string, args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const call = ++lastCall
      pending.set(call, { resolve, reject })
      if (!PARKED.has(method)) quick.add(call)
      post({ call, method, args })
    })
  const methods = Object.keys(CALLS).map(method => [method, (...args: unknown[]) => call(method, args)])
  return {
    ...(Object.fromEntries(methods) as Pick<Writer, Call>),
    onSessionsEnd: tell => shutOut.listen(tell),
  }
}

/** Answers the calls that come through `port`: all that are done in one turn in one message. */
export function serveWriter(port: MessagePort, writer: Writer, log: Log): void {
  const awake = createAwake(() => true)
  // Promises tell the answers, so this is behind all that were resolved at once: no further turn of the loop is needed.
  const post = batched<WriterAnswer>(process.nextTick, answers => {
    port.postMessage(answers)
    awake.answered()
    awake.waits()
  })
  port.once(
    'close',
    writer.onSessionsEnd(sessionsEnd => post({ sessionsEnd })),
  )
  port.on('message', (calls: readonly WriterCall[]) => {
    awake.called()
    for (const { call, method, args } of calls)
      void make(writer, method, args).then(
        result => post({ call, result }),
        (error: unknown) => post(refusal(call, method, error, log)),
      )
  })
}

function make(writer: Writer, method: string, args: readonly unknown[]): Promise<unknown> {
  if (!Object.hasOwn(CALLS, method)) return Promise.reject(new Error(`the writer has no call ${method}`))
  // The names are checked above, the arguments where the proxy was called: the port carries them as they were.
  const call = writer[method as Call] as (...args: readonly unknown[]) => Promise<unknown>
  try {
    return call(...args)
  } catch (error) {
    return Promise.reject(error)
  }
}

function refusal(call: number, method: string, error: unknown, log: Log): WriterAnswer {
  if (error instanceof JankinsError) return { call, error: { code: error.code, detail: { ...error.detail } } }
  log.error('a call of the writer failed', { method }, error)
  return { call, failure: error instanceof Error ? error.message : String(error) }
}

function errorOf({ code, detail }: { code: string; detail: Record<string, string | number> }): Error {
  return isErrorCode(code) ? new JankinsError(code, detail) : new Error(`the writer answered with ${code}`)
}

/** Gathers what comes until `later` calls back. */
function batched<T>(later: (send: () => void) => void, send: (items: readonly T[]) => void): (item: T) => void {
  let items: T[] = []
  return item => {
    items.push(item)
    if (items.length > 1) return
    later(() => {
      const sent = items
      items = []
      send(sent)
    })
  }
}
