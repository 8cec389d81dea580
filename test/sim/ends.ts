import type { End } from '../../lib/domain/job.js'
import { STREAMS } from '../../protocol/fields.js'
import type { Attempt } from './machine.js'
import type { Files } from './memory-blobs.js'
import { compareShipped } from './shipped.js'

/** Of the line that stands where a log was cut. */
const MARK_BYTES_MAX = 100
/** What only a network brings about that puts the frames of a connection into another order. */
const WEATHER = /could not be started: (E_NOT_AUTHENTICATED|E_BAD_REQUEST|E_BAD_FRAME)/

/** What is wrong with an attempt whose end the daemon has taken, beside what its machine knows of it. */
export function* faultsOfEnd(end: End, attempt: Attempt, files: Files): Generator<string> {
  const { logLimitBytes } = attempt.record.grant
  for (const stream of STREAMS)
    if (compareShipped(files[stream].bytes, attempt[stream]) !== 'whole') yield `${stream} is not whole`
  if (files.stdout.durableBytes + files.stderr.durableBytes !== end.logBytes) yield 'the log is not durable'
  const writtenBytes = attempt.stdout.length + attempt.stderr.length
  if (end.logBytes > logLimitBytes + STREAMS.length * MARK_BYTES_MAX) yield 'the log goes beyond its limit'
  if (end.logBytes < Math.min(logLimitBytes, writtenBytes)) yield 'the log was cut below its limit'
  if (end.artifactBytes > 0 && !attempt.artifacts?.equals(files.artifacts.bytes)) yield 'the artifacts differ'
  if (end.reason === 'not-started' && !attempt.wasRefused && !WEATHER.test(attempt.stderr.toString()))
    yield 'it was not started'
}

/** What the simulation is to bring about, as far as ends tell it. */
export function* eventsOfEnd(end: End, attempt: Attempt): Generator<string> {
  const { grant } = attempt.record
  if (end.logBytes < attempt.stdout.length + attempt.stderr.length) yield `a log was cut by ${grant.onLogLimit}`
  if (end.reason === 'log-limit') yield 'a job was stopped at its log limit'
  if (end.reason === 'time-limit') yield 'a job was stopped at its time limit'
  if (attempt.unpacked !== undefined) yield 'files travelled with a job'
  if (end.artifactBytes > 0) yield 'artifacts were kept'
}
