import { readdirSync, readFileSync } from 'node:fs'
import { HEADER_BYTES } from '../../protocol/frame.js'
import { encodeNotice, encodeReply, encodeRequest } from '../../protocol/message.js'
import { METHODS, NOTICES } from '../../protocol/methods.js'
import type { Schema } from '../../protocol/schema.js'
import { exampleBytes, parseTranscript } from '../helpers/transcript.js'
import type { Random } from '../sim/random.js'
import { mutate, randomBytes } from './mutate.js'

const TRANSCRIPTS = 'protocol/transcripts'

/** Bodies of what the clients of the golden conversations say. */
export const GOLDEN: readonly Buffer[] = readdirSync(TRANSCRIPTS)
  .flatMap(file => parseTranscript(readFileSync(`${TRANSCRIPTS}/${file}`, 'utf8')))
  .flatMap(step => (step.kind === 'client' ? [exampleBytes(step.parts).subarray(HEADER_BYTES)] : []))
  .filter(body => body.length > 0)

/** Words that name something, or are of the form that ids have. */
const WORDS = [
  'admin',
  'build',
  'w1',
  'key-of-a-request',
  'ab'.repeat(16),
  'cd'.repeat(32),
  '',
  '../x',
  'a\0b',
  'ä',
  'x=y',
]
const NUMBERS = [0, 1, 2, 3, -1, 0.5, 255, 65_536, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e300, Number.NaN]

/** The body of one frame: of the golden ones, of the method table, or of nothing at all. */
export function randomBody(random: Random): Buffer {
  const dice = random.int(0, 19)
  if (dice === 0) return randomBytes(random, 64)
  if (dice <= 3) return Buffer.from(random.pick(GOLDEN))
  if (dice <= 5) return mutate(random, random.pick(GOLDEN), GOLDEN)
  const message = randomMessage(random)
  return dice === 6 ? mutate(random, message, GOLDEN) : message
}

function randomMessage(random: Random): Buffer {
  if (random.chance(0.05)) return Buffer.from(encodeReply(random.int(0, 9), anything(random, 3)))
  if (random.chance(0.1))
    return Buffer.from(encodeNotice('request.cancel', fitting(random, NOTICES['request.cancel'].params)))
  const method = random.pick(Object.keys(METHODS) as (keyof typeof METHODS)[])
  const schema: Schema<unknown> = METHODS[method].params
  const params = random.chance(0.05) ? anything(random, 4) : fitting(random, schema)
  return Buffer.from(encodeRequest(random.int(0, 9), random.chance(0.02) ? 'no.such' : method, params))
}

/** A value that the schema lets in, nearly. */
function fitting(random: Random, schema: Schema<unknown>): unknown {
  if (schema.optional && random.chance(0.5)) return undefined
  if (random.chance(0.02)) return anything(random, 2)
  const { shape } = schema
  switch (shape.kind) {
    case 'int':
      return random.pick([shape.min, shape.max, shape.min + random.int(0, 5), random.pick(NUMBERS)])
    case 'float':
      return random.pick([shape.min, shape.max, random.pick(NUMBERS)])
    case 'bool':
      return random.chance(0.5)
    case 'text':
      return random.chance(0.9) ? random.pick(WORDS) : 'x'.repeat(random.int(0, 300))
    case 'bytes':
      return random.chance(0.5) ? Buffer.alloc(Math.min(shape.bytesMin, 4_096)) : randomBytes(random, 64)
    case 'choice':
      return random.pick(shape.values)
    case 'list':
      return Array.from({ length: random.int(0, 3) }, () => fitting(random, shape.of))
    case 'pair':
      return [fitting(random, shape.first), fitting(random, shape.second)]
    case 'obj':
      return Object.fromEntries(Object.entries(shape.fields).map(([key, field]) => [key, fitting(random, field)]))
  }
}

function anything(random: Random, depth: number): unknown {
  switch (random.int(0, depth > 0 ? 7 : 5)) {
    case 0:
      return null
    case 1:
      return random.chance(0.5)
    case 2:
    case 3:
      return random.pick(NUMBERS)
    case 4:
      return random.pick(WORDS)
    case 5:
      return randomBytes(random, 20)
    case 6:
      return Array.from({ length: random.int(0, 4) }, () => anything(random, depth - 1))
    default:
      return Object.fromEntries(
        Array.from({ length: random.int(0, 4) }, () => [random.pick(WORDS), anything(random, depth - 1)]),
      )
  }
}
