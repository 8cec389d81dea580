import type { Bench, Figure, Figures, Subject } from './bench.js'
import type { Options } from './options.js'
import { endProcess, Scope } from './scope.js'
import { median, rounded } from './statistics.js'

/** One figure of one subject over all rounds. */
export interface Result {
  readonly bench: string
  readonly subject: string
  readonly figure: string
  /** The median. */
  readonly value: number
  readonly unit: string
  readonly n: number
  readonly min: number
  readonly max: number
  readonly better?: Figure['better']
  readonly hogs?: number
}

/**
 * Measures all subjects of a bench in turn, round by round: what disturbs the machine for a while disturbs all of them.
 * A subject that fails is told of and left out of the later rounds.
 */
export async function runBench(
  bench: Bench,
  options: Options,
  tell: (progress: string) => void,
): Promise<readonly Result[]> {
  const subjects = bench.subjects.filter(
    ({ name, isInstalled }) => isInstalled() && (options.only === undefined || name.includes(options.only)),
  )
  const rounds = new Map<Subject, Figures[]>(subjects.map(subject => [subject, []]))
  for (let round = 0; round < options.rounds; round++)
    for (const [subject, measured] of rounds) {
      tell(`${bench.name} ${round + 1}/${options.rounds} ${subject.name}`)
      try {
        measured.push(await measure(subject, options))
      } catch (error) {
        rounds.delete(subject)
        process.exitCode = 1
        console.error(`${bench.name}: ${subject.name} failed:`, error)
      }
    }
  return [...rounds].flatMap(([subject, measured]) => resultsOf(bench, subject, measured, options))
}

async function measure(subject: Subject, options: Options): Promise<Figures> {
  const scope = new Scope()
  try {
    for (let hog = 0; hog < options.hogs; hog++) {
      const child = scope.spawn('sh', ['-c', 'while :; do :; done'])
      scope.onEnd(() => endProcess(child, 'SIGKILL'))
    }
    return await subject.measure(scope, options)
  } finally {
    await scope.end()
  }
}

function resultsOf(bench: Bench, subject: Subject, rounds: readonly Figures[], { hogs }: Options): Result[] {
  const names = new Set(rounds.flatMap(figures => Object.keys(figures)))
  return [...names].map(figure => {
    const found = rounds.flatMap(figures => figures[figure] ?? [])
    const values = found.map(({ value }) => value)
    const { unit, better } = found[0]!
    return {
      ...{ bench: bench.name, subject: subject.name, figure, value: rounded(median(values)), unit },
      ...{ n: values.length, min: rounded(Math.min(...values)), max: rounded(Math.max(...values)) },
      ...(better && { better }),
      ...(hogs > 0 && { hogs }),
    }
  })
}
