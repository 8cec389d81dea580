import { z } from 'zod'
import { LOG_LEVELS } from './log.js'
import { LOG_FORMATS } from './log-output.js'
import { tlsKeys } from './tls-keys.js'
import { formatDuration, formatSize, parseDuration, parseSize, UnitError } from './units.js'
import type { Address } from './wire.js'

const KIB = 1024
const MIB = 1024 * KIB
const DEFAULT_PORT = 5265

/** An empty text is an absent one: so every key can be shown with its default. */
const optionalText = z.string().transform(text => (text === '' ? undefined : text))

/** @param portMin of a port that is given: 0 where any free one will do */
const addressText = (portMin: 0 | 1, portDefault: string) =>
  z.string().transform((text, context): Address => {
    const [, host, port = portDefault] = /^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+)(?::(\d{1,5}))?$/.exec(text) ?? []
    if (host !== undefined && port !== '' && Number(port) >= portMin && Number(port) <= 65_535)
      return { host: host.replace(/[[\]]/g, ''), port: Number(port) }
    context.addIssue('must be HOST:PORT')
    return z.NEVER
  })
const address = addressText(1, String(DEFAULT_PORT))
/** Without a default port: a daemon that is told only where must not take one that nobody has chosen. */
const metricsAddress = addressText(0, '')

const daemonKeys = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  port: integer(0, 65_535).default(DEFAULT_PORT),
  allow_plaintext: z.boolean().default(false),
  require_approval: z.boolean().default(false),
  metrics: z
    .union([z.literal('').transform(() => undefined), metricsAddress], { error: 'must be HOST:PORT' })
    .optional(),
  metrics_allow_remote: z.boolean().default(false),
  data: optionalText.optional(),
  reserve: size(0, 1024 * 1024 * MIB).default(64 * MIB),
  // The protocol's limits say the same: a test holds them together.
  buffer: size(64 * KIB, 64 * MIB).default(MIB),
  threads: z
    .union([z.literal('auto'), z.literal('per-connection'), integer(1, 1_000)], {
      error: 'must be 1 to 1000, "auto" or "per-connection"',
    })
    .default('auto'),
  thread_heap: size(64 * MIB, 16_384 * MIB).default(512 * MIB),
  byte_budget: size(4 * MIB, 1024 * 1024 * MIB).default(256 * MIB),
  connections_max: integer(1, 100_000).default(10_000),
  connections_per_address: integer(1, 100_000).default(5_000),
  connections_per_user: integer(1, 100_000).default(5_000),
  stall_timeout: duration(1_000, 3_600_000).default(30_000),
  frame_timeout: duration(1_000, 3_600_000).default(60_000),
  log_level: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }).default('info'),
  log_format: z.enum(LOG_FORMATS, { error: `must be one of ${LOG_FORMATS.join(', ')}` }).default('auto'),
})

/** As the protocol has it. */
const ACTION = /^[A-Za-z0-9][A-Za-z0-9_.+@-]{0,63}$/

const retentionLimits = {
  age: duration(0, 36_500 * 86_400_000),
  count: integer(0, 1_000_000_000),
  bytes: size(0, 1024 * 1024 * 1024 * MIB),
}
const retentionKeys = z.strictObject({
  age: retentionLimits.age.default(0),
  count: retentionLimits.count.default(0),
  bytes: retentionLimits.bytes.default(0),
  action: z
    .record(
      z.string().regex(ACTION, { error: 'must be the name of an action' }),
      z.strictObject(retentionLimits).partial(),
    )
    .default({}),
})

const serverKeys = z.strictObject({
  address: address.default({ host: '127.0.0.1', port: DEFAULT_PORT }),
  user: optionalText.optional(),
  password_file: optionalText.optional(),
  fingerprint: optionalText.optional(),
  ca: optionalText.optional(),
  cert: optionalText.optional(),
  key: optionalText.optional(),
  plaintext: z.boolean().default(false),
  weight: integer(1, 1_000).default(1),
})

const workerKeys = z.strictObject({
  name: optionalText.optional(),
  dir: optionalText.optional(),
  jobs: integer(1, 1_000).default(1),
  labels: z.array(z.string()).max(32, { error: 'must be at most 32 labels' }).default([]),
  poll: duration(0, 86_400_000).default(0),
  pid_namespace: z.boolean().default(false),
  server: z
    .array(serverKeys)
    .min(1)
    .default(() => [serverKeys.parse({})]),
})

/** The keys of jankins.conf as they are written there. */
export const fileKeys = z.strictObject({
  ...daemonKeys.shape,
  retention: retentionKeys.default(() => retentionKeys.parse({})),
  tls: tlsKeys.optional(),
  worker: workerKeys.default(() => workerKeys.parse({})),
})
export type FileKeys = z.infer<typeof fileKeys>

function within<T extends z.ZodType<number>>(
  schema: T,
  min: number,
  max: number,
  show: (n: number) => string = String,
) {
  return schema.refine(n => n >= min && n <= max, { error: `must be ${show(min)} to ${show(max)}` })
}
function integer(min: number, max: number) {
  return within(z.int({ error: 'must be a whole number' }), min, max)
}
function unit(parseText: (text: string) => number) {
  return z.union([z.string(), z.int().transform(String)]).transform((text, context) => {
    try {
      return parseText(text)
    } catch (error) {
      if (!(error instanceof UnitError)) throw error
      context.addIssue(error.message)
      return z.NEVER
    }
  })
}
function size(min: number, max: number) {
  return within(unit(parseSize), min, max, formatSize)
}
function duration(minMs: number, maxMs: number) {
  return within(unit(parseDuration), minMs, maxMs, formatDuration)
}
