/** A text that is no duration or size; the message names the text and the form. */
export class UnitError extends Error {
  override readonly name = 'UnitError'
}

const DURATION_UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const SIZE_UNITS_BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 } as const

/**
 * `90s`, `5m`, `2h`, `1d`, `500ms` in ms: a whole number and a unit, without blanks.
 * @throws UnitError
 */
export function parseDuration(text: string): number {
  return parse(text, DURATION_UNITS_MS) ?? refuse(text, 'a duration such as 500ms, 90s, 5m, 2h or 1d')
}

/**
 * `65536`, `64KiB`, `8MiB`, `1GiB` in bytes: a whole number, and a unit unless it counts bytes.
 * @throws UnitError
 */
export function parseSize(text: string): number {
  const bare = /^\d+$/.test(text) ? `${text}B` : text
  return parse(bare, SIZE_UNITS_BYTES) ?? refuse(text, 'a size such as 4096, 64KiB, 8MiB or 1GiB')
}

/** The shortest text that `parseDuration` reads back as the same whole number of ms. */
export const formatDuration = (ms: number): string => format(ms, DURATION_UNITS_MS)

/** The shortest text that `parseSize` reads back as the same whole number of bytes. */
export const formatSize = (bytes: number): string => format(bytes, SIZE_UNITS_BYTES).replace(/B$/, bare)

/** `0 B`, `812 B`, `1.5 KiB`, `20 MiB`: rounded, for people. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

function parse(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, count, unit] = /^(\d{1,16})([A-Za-z]{1,3})$/.exec(text) ?? []
  if (count === undefined || unit === undefined || !Object.hasOwn(units, unit)) return undefined
  const value = Number(count) * units[unit]!
  return Number.isSafeInteger(value) ? value : undefined
}

function format(value: number, units: Readonly<Record<string, number>>): string {
  const steps = Object.entries(units)
  const [unit, size] = steps.findLast(([, size]) => value >= size && value % size === 0) ?? steps[0]!
  return `${value / size}${unit}`
}

/** Bytes have no unit: 100B is written 100, but the B of KiB stays. */
const bare = (_: string, offset: number, text: string): string => (/\d$/.test(text.slice(0, offset)) ? '' : 'B')

function refuse(text: string, form: string): never {
  throw new UnitError(`"${text.slice(0, 64)}" is not ${form}`)
}
