/** A family of metrics as `parseMetrics` found it. */
export interface Family {
  readonly type: string
  readonly help: string
  /** By the whole name of the sample with its labels, as in `jankins_jobs{state="PENDING"}`. */
  readonly samples: ReadonlyMap<string, number>
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"'
const SAMPLE = new RegExp(`^(${NAME})(\\{${LABEL}(?:,${LABEL})*\\})? (-?[0-9.e+-]+|NaN|[+-]Inf)$`)
const HEAD = new RegExp(`^# (HELP|TYPE) (${NAME}) (.*)$`)

/**
 * Reads the text format of Prometheus, version 0.0.4, and refuses what its rules and its conventions do not allow: each
 * family has help and type right before all of its samples, no sample comes twice, counters end in _total and alone do,
 * the buckets of a histogram rise, and the last one is its count.
 */
export function parseMetrics(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const families = new Map<string, { help: string; type: string; samples: Map<string, number> }>()
  let name = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const [, kind, headed = '', rest = ''] = HEAD.exec(line) ?? []
    if (kind === 'HELP') {
      if (families.has(headed)) throw new Error(`${headed} comes twice`)
      families.set(headed, { help: rest, type: '', samples: new Map() })
      name = headed
      continue
    }
    const family = families.get(name)
    if (!family) throw new Error(`a line before any HELP: ${line}`)
    if (kind === 'TYPE') {
      if (headed !== name || family.type !== '') throw new Error(`TYPE is not right behind HELP: ${line}`)
      if (!['counter', 'gauge', 'histogram'].includes(rest)) throw new Error(`no such type: ${line}`)
      family.type = rest
      continue
    }
    const [, sample = '', labels = '', value = ''] = SAMPLE.exec(line) ?? []
    const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
    if (family.type === '' || !suffixes.some(suffix => sample === name + suffix))
      throw new Error(`no sample of ${name}: ${line}`)
    if (family.samples.has(sample + labels)) throw new Error(`comes twice: ${line}`)
    family.samples.set(sample + labels, Number(value.replace('Inf', 'Infinity')))
  }
  for (const [name, family] of families) checkFamily(name, family)
  return families
}

/** One sample; fails when there is none. */
export function sampleOf(families: ReadonlyMap<string, Family>, sample: string): number {
  for (const { samples } of families.values()) {
    const value = samples.get(sample)
    if (value !== undefined) return value
  }
  throw new Error(`there is no ${sample}`)
}

function checkFamily(name: string, { type, samples }: Family): void {
  if (samples.size === 0) throw new Error(`${name} has no sample`)
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name} is a ${type}`)
  if (type === 'counter' && [...samples.values()].some(value => !(value >= 0))) throw new Error(`${name} is below 0`)
  if (type !== 'histogram') return
  const buckets = [...samples].flatMap(([sample, count]) => {
    const [, bound] = /\{le="([^"]+)"\}$/.exec(sample) ?? []
    return bound === undefined ? [] : [{ bound: Number(bound.replace('Inf', 'Infinity')), count }]
  })
  const rises = buckets.every(({ bound, count }, i) => {
    const before = buckets[i - 1]
    return !before || (bound > before.bound && count >= before.count)
  })
  const last = buckets.at(-1)
  if (!rises || last?.bound !== Number.POSITIVE_INFINITY || last.count !== samples.get(`${name}_count`))
    throw new Error(`${name} has buckets that do not rise to its count`)
  if (!(Number(samples.get(`${name}_sum`)) >= 0)) throw new Error(`${name} has no sum`)
}
