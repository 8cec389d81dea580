import picomatch from 'picomatch'
import { ArchiveError } from './archive-error.js'

/** Artifact patterns, ready to be asked. */
export interface Globs {
  /** Where to look: no match lies outside these directories. '' is the root. */
  readonly bases: readonly string[]
  /** A path below the root. What lies below a directory that matches, matches. */
  matches(path: string): boolean
}

/**
 * Patterns as in picomatch: `*` stays within a directory, `**` does not, names that begin with a dot must be named.
 * A pattern that names a directory stands for everything below it, and one that begins with `!` takes away.
 * @throws ArchiveError when a pattern leads out of the workspace
 */
export function compileGlobs(patterns: readonly string[]): Globs {
  const cleaned = patterns.map(pattern => ({ takes: !isNegation(pattern), pattern: cleanPattern(pattern) }))
  const taking = cleaned.filter(({ takes }) => takes).map(({ pattern }) => pattern)
  const dropping = cleaned.filter(({ takes }) => !takes).map(({ pattern }) => pattern)
  const takes = matcher(taking)
  const drops = matcher(dropping)
  return {
    bases: withoutNested(taking.map(baseOf)),
    matches: path => someAncestor(path, takes) && !someAncestor(path, drops),
  }
}

const isNegation = (pattern: string): boolean => pattern.startsWith('!') && !pattern.startsWith('!(')

function cleanPattern(pattern: string): string {
  const bare = (isNegation(pattern) ? pattern.slice(1) : pattern).replace(/^(\.\/+)+/, '').replace(/\/+$/, '')
  if (bare.startsWith('/') || bare.split('/').includes('..'))
    throw new ArchiveError(`the pattern ${JSON.stringify(pattern)} leads out of the workspace`)
  // The workspace itself.
  return bare === '' || bare === '.' ? '{**,.*,.*/**,**/.*,**/.*/**}' : bare
}

const matcher = (patterns: readonly string[]): ((path: string) => boolean) =>
  patterns.length === 0 ? () => false : picomatch([...patterns])

function someAncestor(path: string, matches: (path: string) => boolean): boolean {
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1))
    if (matches(path.slice(0, slash))) return true
  return matches(path)
}

/** The directory that a pattern cannot leave. */
function baseOf(pattern: string): string {
  const { base, isGlob } = picomatch.scan(pattern)
  return (isGlob ? base : pattern).replace(/\\(.)/gs, '$1')
}

function withoutNested(bases: readonly string[]): string[] {
  const unique = [...new Set(bases)]
  if (unique.includes('')) return ['']
  return unique.filter(base => !unique.some(other => other !== base && base.startsWith(`${other}/`)))
}
