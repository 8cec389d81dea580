import * as z from 'zod/mini'
import { LOG_FORMATS, LOG_LEVELS } from './log.js'
import { optionalText, refuse, tlsKeys } from './tls-keys.js'
import { formatDuration, formatSize, parseDuration, parseSize, UnitError } from './units.js'
import type { Address } from './wire.js'

const KIB = 1024
const MIB = 1024 * KIB
const DEFAULT_PORT = 5265

/** @param portMin of a port that is given: 0 where any free one will do */
const addressText = (portMin: 0 | 1, portDefault: string) =>
  z.pipe(
    z.string(),
    z.transform((text: string, payload): Address => {
      const [, host, port = portDefault] = /^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+)(?::(\d{1,5}))?$/.exec(text) ?? []
      if (host !== undefined && port !== '' && Number(port) >= portMin && Number(port) <= 65_535)
        return { host: host.replace(/[[\]]/g, ''), port: Number(port) }
      refuse(payload, 'must be HOST:PORT')
      return z.NEVER
    }),
  )
const address = addressText(1, String(DEFAULT_PORT))
/** Without a default port: a daemon that is told only where must not take one that nobody has chosen. */
const metricsAddress = addressText(0, '')
const nothing = z.pipe(
  z.literal(''),
  z.transform(() => undefined),
)

const daemonKeys = z.strictObject({
  host: z._default(z.string().check(z.minLength(1, 'must not be empty')), '127.0.0.1'),
  port: z._default(integer(0, 65_535), DEFAULT_PORT),
  allow_plaintext: z._default(z.boolean(), false),
  require_approval: z._default(z.boolean(), false),
  metrics: z.optional(z.union([nothing, metricsAddress], { error: 'must be HOST:PORT' })),
  metrics_allow_remote: z._default(z.boolean(), false),
  data: optionalText,
  reserve: z._default(size(0, 1024 * 1024 * MIB), 64 * MIB),
  // The protocol's limits say the same: a test holds them together.
  buffer: z._default(size(64 * KIB, 64 * MIB), MIB),
  threads: z._default(
    z.union([z.literal('auto'), z.literal('per-connection'), integer(1, 1_000)], {
      error: 'must be 1 to 1000, "auto" or "per-connection"',
    }),
    'auto',
  ),
  thread_heap: z._default(size(64 * MIB, 16_384 * MIB), 512 * MIB),
  byte_budget: z._default(size(4 * MIB, 1024 * 1024 * MIB), 256 * MIB),
  connections_max: z._default(integer(1, 100_000), 10_000),
  connections_per_address: z._default(integer(1, 100_000), 5_000),
  connections_per_user: z._default(integer(1, 100_000), 5_000),
  stall_timeout: z._default(duration(1_000, 3_600_000), 30_000),
  frame_timeout: z._default(duration(1_000, 3_600_000), 60_000),
  log_level: z._default(z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }), 'info'),
  log_format: z._default(z.enum(LOG_FORMATS, { error: `must be one of ${LOG_FORMATS.join(', ')}` }), 'auto'),
})

/** As the protocol has it. */
const ACTION = /^[A-Za-z0-9][A-Za-z0-9_.+@-]{0,63}$/

const retentionLimits = {
  age: duration(0, 36_500 * 86_400_000),
  count: integer(0, 1_000_000_000),
  bytes: size(0, 1024 * 1024 * 1024 * MIB),
}
const retentionKeys = z.strictObject({
  age: z._default(retentionLimits.age, 0),
  count: z._default(retentionLimits.count, 0),
  bytes: z._default(retentionLimits.bytes, 0),
  action: z._default(
    z.record(
      z.string().check(z.regex(ACTION, 'must be the name of an action')),
      z.partial(z.strictObject(retentionLimits)),
    ),
    {},
  ),
})

const serverKeys = z.strictObject({
  address: z._default(address, { host: '127.0.0.1', port: DEFAULT_PORT }),
  user: optionalText,
  password_file: optionalText,
  fingerprint: optionalText,
  ca: optionalText,
  cert: optionalText,
  key: optionalText,
  plaintext: z._default(z.boolean(), false),
  weight: z._default(integer(1, 1_000), 1),
})

const workerKeys = z.strictObject({
  name: optionalText,
  dir: optionalText,
  jobs: z._default(integer(1, 1_000), 1),
  labels: z._default(z.array(z.string()).check(z.maxLength(32, 'must be at most 32 labels')), []),
  poll: z._default(duration(0, 86_400_000), 0),
  pid_namespace: z._default(z.boolean(), false),
  server: z._default(z.array(serverKeys).check(z.minLength(1, 'must name a server')), () => [serverKeys.parse({})]),
})

/** The keys of jankins.conf as they are written there. */
export const fileKeys = z.strictObject({
  ...daemonKeys.shape,
  retention: z._default(retentionKeys, () => retentionKeys.parse({})),
  tls: z.optional(tlsKeys),
  worker: z._default(workerKeys, () => workerKeys.parse({})),
})
export type FileKeys = z.infer<typeof fileKeys>

function within<T extends z.ZodMiniType<number>>(
  schema: T,
  min: number,
  max: number,
  show: (n: number) => string = String,
) {
  return schema.check(z.refine(n => n >= min && n <= max, `must be ${show(min)} to ${show(max)}`))
}
function integer(min: number, max: number) {
  return within(z.int('must be a whole number'), min, max)
}
function unit(parseText: (text: string) => number) {
  return z.pipe(
    z.union([z.string(), z.int()]),
    z.transform((value: string | number, payload) => {
      try {
        return parseText(String(value))
      } catch (error) {
        if (!(error instanceof UnitError)) throw error
        refuse(payload, error.message)
        return z.NEVER
      }
    }),
  )
}
function size(min: number, max: number) {
  return within(unit(parseSize), min, max, formatSize)
}
function duration(minMs: number, maxMs: number) {
  return within(unit(parseDuration), minMs, maxMs, formatDuration)
}
