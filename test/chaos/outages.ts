/** What the test itself did to one worker: spans in which it could not renew a lease, ms since the epoch. */
export interface Outages {
  /** Opens a span; the function returned ends it. */
  begin(what: string): () => void
  /** Whether spans without a real pause between them lasted for `leaseMs` and touched the run from..to. */
  explain(fromMs: number, toMs: number, leaseMs: number): boolean
  describe(fromMs: number, toMs: number): string
}

interface Span {
  readonly what: string
  readonly fromMs: number
  toMs: number
}

/** To connect again takes a worker this long at most on a busy machine: its longest backoff and the handshake. */
const RECONNECT_MS = 4_000

export function createOutages(nowMs: () => number = Date.now): Outages {
  const spans: Span[] = []
  const touching = (fromMs: number, toMs: number): Span[] =>
    spans.filter(span => span.fromMs <= toMs && span.toMs + RECONNECT_MS >= fromMs)
  return {
    begin(what) {
      const span = { what, fromMs: nowMs(), toMs: Number.POSITIVE_INFINITY }
      spans.push(span)
      return () => {
        span.toMs = nowMs()
      }
    },
    explain: (fromMs, toMs, leaseMs) =>
      merged(touching(fromMs, toMs)).some(span => Math.min(span.toMs, toMs) - span.fromMs + RECONNECT_MS >= leaseMs),
    describe: (fromMs, toMs) =>
      touching(fromMs, toMs)
        .map(span => `${span.what} ${span.fromMs - fromMs}..${span.toMs - fromMs}`)
        .join(', '),
  }
}

function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = []
  for (const span of [...spans].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = result.at(-1)
    if (last && span.fromMs <= last.toMs + RECONNECT_MS) last.toMs = Math.max(last.toMs, span.toMs)
    else result.push({ ...span })
  }
  return result
}
