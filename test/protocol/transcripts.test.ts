import { Buffer } from 'node:buffer'
import { readdirSync, readFileSync } from 'node:fs'
import { decode, encode } from '@msgpack/msgpack'
import t from 'tap'
import { isErrorCode, JankinsError } from '../../protocol/errors.js'
import { FrameDecoder } from '../../protocol/frame.js'
import { LIMITS } from '../../protocol/limits.js'
import {
  decodeMessage,
  encodeErrorReply,
  encodeNotice,
  encodeReply,
  encodeRequest,
  type Message,
} from '../../protocol/message.js'
import { readClientFirst } from '../../protocol/scram.js'
import { startDaemonInProcess } from '../helpers/daemon.js'
import {
  dataOf,
  exampleBytes,
  finalMessage,
  parseTranscript,
  replayTranscript,
  type Step,
} from '../helpers/transcript.js'

const FOLDER = 'protocol/transcripts'
const transcripts = readdirSync(FOLDER).map(file => ({ file, text: readFileSync(`${FOLDER}/${file}`, 'utf8') }))
const password = (user: string): string => `password of ${user}`
/** Frames that are no messages: what a daemon has to refuse. */
const HOSTILE = new Set(['00000001c1', '00004001', '0000000fdd7fffffffdd7fffffffdd7fffffff'])

type Said = Extract<Step, { kind: 'client' | 'server' }>
const isSaid = (step: Step): step is Said => step.kind === 'client' || step.kind === 'server'

t.test('every frame of the golden conversations is decoded and encoded to the same bytes', async t => {
  t.ok(transcripts.length >= 5)
  for (const { file, text } of transcripts) {
    for (const step of parseTranscript(text).filter(isSaid)) {
      const bytes = exampleBytes(step.parts)
      if (HOSTILE.has(bytes.toString('hex'))) continue
      const decoder = new FrameDecoder(LIMITS.replyBytesMax.value)
      decoder.push(bytes)
      const body = decoder.next() ?? Buffer.alloc(0)
      t.equal(decoder.heldBytes, 0, `${file}:${step.line} is one frame`)
      t.equal(Buffer.from(reencode(decodeMessage(body))).toString('hex'), body.toString('hex'), `${file}:${step.line}`)
      t.equal(Buffer.from(encode(decode(body))).toString('hex'), body.toString('hex'), 'in the shortest form')
    }
  }
})

t.test('the proofs of the example follow from its password', async t => {
  const text = transcripts.find(({ file }) => file === 'authentication.txt')?.text ?? ''
  const said = parseTranscript(text).filter(isSaid)
  const [first, challenge, final, proven] = said.slice(0, 4).map(step => dataOf(exampleBytes(step.parts).subarray(4)))
  t.ok(first && challenge && final && proven)
  if (!first || !challenge || !final || !proven) return
  const { message, serverSignature } = await finalMessage(readClientFirst(first), challenge, password('admin'))
  t.equal(Buffer.from(final).toString(), message)
  t.equal(Buffer.from(proven).toString(), `v=${Buffer.from(serverSignature).toString('base64')}`)
})

for (const { file, text } of transcripts)
  t.test(`a daemon says what ${file} says`, async t => {
    await replay(t, text)
  })

t.test('a daemon that says something else is found out', async t => {
  const text = transcripts.find(({ file }) => file === 'stop.txt')?.text ?? ''
  const changed = text.replace('a76368616e676564 c3', 'a76368616e676564 c2')
  t.not(changed, text)
  await t.rejects(replay(t, changed), { message: /line \d+: another answer/ })
  const early = text.replace('@auth admin\n', '@auth admin\n@connect\n')
  await t.rejects(replay(t, early), { message: /another answer/ })
})

t.test('a transcript that cannot be read names the line', async t => {
  const cases = ['what', 'C: 0g', 'C: 000', 'S: <a:0>', '   00', '@wait', 'S: <A:00>']
  for (const line of cases) t.throws(() => parseTranscript(`# a comment\n${line}\n`), { message: /^line 2/ }, line)
})

async function replay(t: Tap, text: string): Promise<void> {
  const daemon = await startDaemonInProcess(t)
  try {
    await daemon.login('admin', { user: 'admin', mayExec: true })
    await replayTranscript(text, { open: () => daemon.dial(daemon.address), password })
  } finally {
    await daemon.stop()
  }
}
type Tap = Parameters<typeof startDaemonInProcess>[0]

function reencode(message: Message): Uint8Array {
  switch (message.kind) {
    case 'request':
      return encodeRequest(message.id, message.method, message.params)
    case 'notice':
      return encodeNotice(message.method, message.params)
    case 'reply': {
      if (!message.error) return encodeReply(message.id, message.result)
      const { code, detail } = message.error
      if (!isErrorCode(code)) throw new Error(`no error is called ${code}`)
      return encodeErrorReply(message.id, new JankinsError(code, detail))
    }
  }
}
