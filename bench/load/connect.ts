import { frameBytes, RequestFrame } from './frames.js'
import { LoginSteps } from './login.js'
import { countsFor, type Load, measureLoad } from './loop.js'
import type { LoadOrder } from './order.js'
import { openSocket } from './socket.js'

/** One-shot clients: connect, authenticate, one request, close; as many at once as the order has connections. */
export async function connectFor(order: LoadOrder): Promise<Load> {
  const counts = countsFor(order)
  const caller = async (): Promise<void> => {
    while (performance.now() < counts.endsAtMs) {
      const askedAtMs = performance.now()
      await oneShot(order)
      counts.operations++
      counts.times.record(Math.round((performance.now() - askedAtMs) * 1e6))
    }
  }
  return await measureLoad(counts, () => Promise.all(Array.from({ length: order.connections }, caller)))
}

/** The request rides with the last message of the authentication, as that of a one-shot command does. */
function oneShot({ port, account }: LoadOrder): Promise<void> {
  if (!account) throw new Error('one-shot clients need an account')
  const steps = new LoginSteps(account)
  const request = new RequestFrame('action.list', { limit: 1 })
  let answered = 0
  return new Promise((resolve, reject) => {
    let pending: Buffer = Buffer.alloc(0)
    const take = (reply: Buffer): void => {
      answered++
      if (answered === 1) write(Buffer.concat([steps.finish(reply), request.fresh()]))
      if (answered === 2) steps.check(reply)
      if (answered < 3) return
      request.check(reply)
      end()
      resolve()
    }
    let write: (bytes: Buffer) => void = () => {}
    let end: () => void = () => {}
    openSocket(port, bytes => {
      try {
        pending = Buffer.concat([pending, bytes])
        for (let length = frameBytes(pending); length > 0; length = frameBytes(pending)) {
          const reply = pending.subarray(0, length)
          pending = pending.subarray(length)
          take(reply)
        }
      } catch (error) {
        reject(error)
      }
    }).then(socket => {
      write = frame => socket.write(frame)
      end = () => socket.destroy()
      write(steps.start())
    }, reject)
  })
}
