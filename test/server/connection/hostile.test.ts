import fc from 'fast-check'
import t from 'tap'
import { encodeRequest } from '../../../protocol/message.js'
import { METHODS } from '../../../protocol/methods.js'
import { startDaemonInProcess } from '../../helpers/daemon.js'
import { openPeer } from './peer.js'

/** Any value that MessagePack can carry, mostly small. */
const value = fc.letrec(tie => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.string({ minLength: 1 }), tie('any'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).any

const frame = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .tuple(fc.constantFrom(...Object.keys(METHODS), 'x.y'), value)
    .map(([method, params]) => encodeRequest(5, method, params)),
  // A request with a byte turned over.
  fc
    .tuple(fc.constantFrom(...Object.keys(METHODS)), value, fc.nat(), fc.integer({ min: 1, max: 255 }))
    .map(([method, params, at, flip]) => {
      const body = encodeRequest(5, method, params)
      const index = at % body.length
      body[index] = (body[index] as number) ^ flip
      return body
    }),
)

t.test('whatever a peer sends after authentication, it gets an answer or the connection ends', async t => {
  const daemon = await startDaemonInProcess(t)
  const bystander = await openPeer(daemon)
  await bystander.authenticate(await daemon.login('reader'))
  const login = await daemon.login('admin')
  let answers = 0
  let closes = 0
  await fc.assert(
    fc.asyncProperty(frame, async body => {
      const peer = await openPeer(daemon)
      await peer.authenticate(login)
      peer.frame(body)
      // Answered behind the frame, or not at all because the connection is over: notices have no answer of their own.
      peer.request(6, 'server.status', {})
      for (let message = await peer.next(); message; message = await peer.next()) {
        if (message.kind !== 'reply') throw new Error('the daemon sends replies only')
        if (message.error?.code === 'E_INTERNAL') throw new Error('a peer reached an error of our own')
        if (message.id === 6) {
          answers++
          peer.destroy()
          return
        }
      }
      closes++
    }),
    { numRuns: 400, seed: 20_260 },
  )
  t.ok(answers > 50, `${answers} answered`)
  t.ok(closes > 50, `${closes} closed`)
  bystander.request(1, 'server.status', {})
  t.match(await bystander.reply(), { error: undefined }, 'others are served')
})

t.test('whatever a peer sends before authentication, it gets one error and the connection ends', async t => {
  const daemon = await startDaemonInProcess(t)
  await fc.assert(
    fc.asyncProperty(frame, async body => {
      const peer = await openPeer(daemon)
      peer.frame(body)
      const message = await peer.next()
      if (message?.kind !== 'reply' || !message.error) throw new Error(`no error but ${JSON.stringify(message)}`)
      if (message.error.code === 'E_INTERNAL') throw new Error('a peer reached an error of our own')
      if ((await peer.next()) !== undefined) throw new Error('the connection goes on')
    }),
    { numRuns: 300, seed: 20_261 },
  )
})
