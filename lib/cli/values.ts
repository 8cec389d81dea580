import { NAME_FORM, parseInviteId, parseJobId, parseName } from '../../protocol/ids.js'
import { formatDuration, formatSize, parseDuration, parseSize, UnitError } from '../base/units.js'
import { parseAddress } from '../client/address.js'
import { type Kind, type Moment, UsageError, type ValueSpec } from './command.js'

/** Whether a positional of this kind takes all the words that follow. */
export const takesMany = (kind: Kind): boolean => kind === 'jobs' || kind === 'texts'

/**
 * Turns what was typed for one option or positional into its value.
 * @param label how messages call it: `--limit`, `JOB`
 * @param texts as often as it was given; empty when it was not
 * @throws UsageError
 */
export function readValue(spec: ValueSpec, label: string, texts: readonly string[]): unknown {
  switch (spec.kind) {
    case 'texts':
      return texts
    case 'pairs':
      return texts.map(text => pair(text, label))
    case 'jobs':
      return texts.map(text => jobId(text, label))
    case 'addresses':
      return texts.map(text => address(text, label))
    default: {
      if (texts.length > 1) throw new UsageError(`${label} was given ${texts.length} times; give it once`)
      const [text] = texts
      return text === undefined ? undefined : single(spec, label, text)
    }
  }
}

function single(spec: ValueSpec, label: string, text: string): unknown {
  switch (spec.kind) {
    case 'integer':
      return within(spec, label, integer(text, label), String)
    case 'duration':
      return within(spec, label, duration(spec, text, label), formatDuration)
    case 'size':
      return within(spec, label, unit(parseSize, text, label), formatSize)
    case 'choice':
      return oneOf(spec, label, text)
    case 'choices':
      return text.split(',').map(part => oneOf(spec, label, part))
    case 'time':
      return moment(text, label)
    case 'name':
      return name(text, label)
    case 'names':
      return text
        .split(',')
        .filter(part => part !== '')
        .map(part => name(part, label))
    case 'job':
      return jobId(text, label)
    case 'invite':
      return inviteId(text, label)
    case 'address':
      return address(text, label)
    default:
      return text
  }
}

function integer(text: string, label: string): number {
  const value = /^[+-]?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw new UsageError(`${label} must be a whole number, not ${shown(text)}`)
  return value
}

function duration(spec: ValueSpec, text: string, label: string): number {
  return unit(parseDuration, spec.bareSeconds && /^\d+$/.test(text) ? `${text}s` : text, label)
}

function unit(parse: (text: string) => number, text: string, label: string): number {
  try {
    return parse(text)
  } catch (error) {
    if (error instanceof UnitError) throw new UsageError(`${label}: ${error.message}`)
    throw error
  }
}

function within(spec: ValueSpec, label: string, value: number, show: (value: number) => string): number {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = spec
  if (value < min || value > max)
    throw new UsageError(`${label} must be ${show(min)} to ${show(max)}, not ${show(value)}`)
  return value
}

function oneOf(spec: ValueSpec, label: string, text: string): string {
  if (spec.values?.includes(text)) return text
  throw new UsageError(`${label} must be one of ${spec.values?.join(', ')}, not ${shown(text)}`)
}

/** `2h`: so long ago. A date alone is its midnight; without a zone it is of this machine's. */
function moment(text: string, label: string): Moment {
  if (/^\d+[a-z]+$/.test(text)) return { agoMs: unit(parseDuration, text, label) }
  const isDate = hasDay(text) && /^.{10}([ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text)
  const atMs = isDate ? Date.parse(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T')) : Number.NaN
  if (Number.isNaN(atMs))
    throw new UsageError(
      `${label} must be a time like 2026-05-04, "2026-05-04 13:07", or 2h for so long ago, not ${shown(text)}`,
    )
  return { atMs: Math.max(0, atMs) }
}

/** Whether it begins with a day of the calendar: Date.parse takes February 30 for March 2. */
function hasDay(text: string): boolean {
  const [, day] = /^(\d{4}-\d\d-\d\d)/.exec(text) ?? []
  const atMs = Date.parse(`${day}T00:00Z`)
  return !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(`${day}T`)
}

function pair(text: string, label: string): readonly [string, string] {
  const at = text.indexOf('=')
  if (at <= 0) throw new UsageError(`${label} must be KEY=VALUE, not ${shown(text)}`)
  return [text.slice(0, at), text.slice(at + 1)]
}

function name(text: string, label: string): unknown {
  const parsed = parseName(text)
  if (parsed === undefined) throw new UsageError(`${label} must be ${NAME_FORM}, not ${shown(text)}`)
  return parsed
}

function jobId(text: string, label: string): unknown {
  const parsed = /^\d{1,16}$/.test(text) ? parseJobId(Number(text)) : undefined
  if (parsed === undefined)
    throw new UsageError(`${label} must be the id of a job, a number from 1, not ${shown(text)}`)
  return parsed
}

function inviteId(text: string, label: string): unknown {
  const parsed = /^\d{1,16}$/.test(text) ? parseInviteId(Number(text)) : undefined
  if (parsed === undefined)
    throw new UsageError(`${label} must be the id of an invitation, a number from 1, not ${shown(text)}`)
  return parsed
}

function address(text: string, label: string): unknown {
  const parsed = parseAddress(text)
  if (parsed === undefined) throw new UsageError(`${label} must be HOST:PORT, not ${shown(text)}`)
  return parsed
}

const shown = (text: string): string => JSON.stringify(text.length > 64 ? `${text.slice(0, 61)}...` : text)
