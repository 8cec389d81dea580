import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, loadConfig } from '../../lib/base/config.js'
import { JankinsError } from '../../protocol/errors.js'
import { encodeFrame, FrameDecoder } from '../../protocol/frame.js'
import { LIMITS } from '../../protocol/limits.js'
import { decodeMessage } from '../../protocol/message.js'
import { temporaryDirectory } from '../helpers/processes.js'
import type { Random } from '../sim/random.js'
import { mutate, randomBytes } from './mutate.js'
import { GOLDEN, randomBody } from './requests.js'
import type { OpenTarget } from './target.js'

/** A stream of bytes, cut anywhere, into frames and messages: a message or a refusal, and no more memory than bytes. */
export const openFrames: OpenTarget = async () => ({
  input: random => {
    const stream = Buffer.concat(Array.from({ length: random.int(1, 4) }, () => encodeFrame(randomBody(random))))
    return random.chance(0.5) ? stream : mutate(random, stream, GOLDEN)
  },
  async run(input) {
    const decoder = new FrameDecoder(LIMITS.frameBytesBeforeAuth.value)
    const cutBytes = 1 + (input.length % 97)
    refusedBy(() => {
      for (let at = 0; at < input.length; at += cutBytes) {
        decoder.push(input.subarray(at, at + cutBytes))
        for (let body = decoder.next(); body; body = decoder.next()) refusedBy(() => decodeMessage(body))
        if (decoder.heldBytes > input.length) throw new Error(`${decoder.heldBytes} bytes are held`)
      }
    })
  },
})

/** Only the refusals that end a connection in order. */
function refusedBy(read: () => void): void {
  try {
    read()
  } catch (error) {
    const isRefusal = error instanceof JankinsError && /^E_(BAD_FRAME|FRAME_TOO_LARGE)$/.test(error.code)
    if (!isRefusal) throw error
  }
}

/** jankins.conf with mistakes: a configuration, or one line that says what is wrong. */
export const openConfig: OpenTarget = async t => {
  const path = join(temporaryDirectory(t), 'jankins.conf')
  const example = readFileSync('jankins.conf', 'utf8').replace(/^# (?=[a-z_]+ = |\[)/gm, '')
  const lines = example.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  const corpus = lines.map(line => Buffer.from(line))
  return {
    input(random) {
      if (random.chance(0.05)) return randomBytes(random, 100)
      const kept = lines.filter(() => random.chance(0.3)).map(line => changed(random, line, corpus))
      return Buffer.from(kept.join('\n'))
    },
    async run(input) {
      writeFileSync(path, input)
      try {
        loadConfig({ path, environment: {} })
      } catch (error) {
        if (!(error instanceof ConfigError) || error.message.includes('\n')) throw error
      }
    },
  }
}

const changed = (random: Random, line: string, corpus: readonly Buffer[]): string =>
  random.chance(0.8) ? line : mutate(random, Buffer.from(line), corpus).toString('latin1')
