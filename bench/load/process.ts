import { PutConversation, TakeConversation } from './beanstalk.js'
import { beatFor } from './beat.js'
import { connectFor } from './connect.js'
import type { Conversation } from './conversation.js'
import { attachFrame, FinishConversation } from './finish.js'
import { frameBytes } from './frames.js'
import { SubmitConversation } from './gearman.js'
import { LoginSteps } from './login.js'
import { countsFor, type Load, openTalk, runLoop, type Talk } from './loop.js'
import type { FromLoad, LoadOrder } from './order.js'
import { QueueConversation } from './queue.js'

/** A load process: connects, says so, waits for `go`, does what it was ordered, tells what it saw. */
const order = JSON.parse(process.argv[2] ?? '{}') as LoadOrder
const tell = (message: FromLoad): void => void process.send?.(message)

const run = await prepare(order)
tell({ kind: 'ready' })
process.once('message', () => {
  run().then(
    load => {
      tell({ kind: 'done', load })
      process.disconnect()
      process.exitCode = 0
      setImmediate(() => process.exit())
    },
    error => {
      console.error(error)
      process.exit(1)
    },
  )
})

async function prepare(order: LoadOrder): Promise<() => Promise<Load>> {
  if (order.kind === 'connect') return () => connectFor(order)
  if (order.kind === 'beat') return await beatFor(order)
  const counts = countsFor(order)
  const talks: Talk[] = []
  for (let index = 0; index < order.connections; index++)
    talks.push(await openTalk(order.port, conversationOf(order), counts, greetingOf(order, index)))
  return async () => {
    const load = await runLoop(talks, counts)
    for (const talk of talks) talk.destroy()
    return load
  }
}

function conversationOf({ kind }: LoadOrder): Conversation {
  switch (kind) {
    case 'queue':
      return new QueueConversation()
    case 'finish':
      return new FinishConversation()
    case 'beanstalk-put':
      return new PutConversation()
    case 'beanstalk-take':
      return new TakeConversation()
    case 'gearman-submit':
      return new SubmitConversation()
    case 'connect':
    case 'beat':
      throw new Error(`${kind} is no conversation`)
  }
}

/** What comes before the conversation: nothing for peers. */
function greetingOf(order: LoadOrder, index: number): Parameters<typeof openTalk>[3] {
  const { account } = order
  if (!account) return undefined
  return async (write, onBytes) => {
    const ask = (request: Buffer): Promise<Buffer> =>
      new Promise(resolve => {
        let pending: Buffer = Buffer.alloc(0)
        onBytes(bytes => {
          pending = Buffer.concat([pending, bytes])
          if (frameBytes(pending) > 0) resolve(pending)
        })
        write(request)
      })
    const steps = new LoginSteps(account)
    steps.check(await ask(steps.finish(await ask(steps.start()))))
    if (order.kind !== 'finish') return
    const attach = attachFrame(`worker-${order.process}-${index}`)
    attach.check(await ask(attach.fresh()))
  }
}
