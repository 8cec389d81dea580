import picomatch from 'picomatch'

/** Whether the rules of one file say something of a path: true to ignore it, false to keep it. */
export type IgnoreRules = (path: string, isDirectory: boolean) => boolean | undefined

/**
 * The rules of one .gitignore (gitignore(5)): the last that fits decides.
 * @param text of the file; paths that are asked later are relative to its directory
 */
export function parseGitignore(text: string): IgnoreRules {
  const rules = text.split(/\r?\n/).flatMap(line => parseLine(line) ?? [])
  return (path, isDirectory) =>
    rules.findLast(rule => (isDirectory || !rule.directoriesOnly) && rule.matches(path))?.ignores
}

interface Rule {
  readonly ignores: boolean
  readonly directoriesOnly: boolean
  readonly matches: (path: string) => boolean
}

function parseLine(line: string): Rule | undefined {
  const text = line.replace(/(?<!\\)[ \t]+$/, '')
  if (text === '' || text.startsWith('#')) return undefined
  const ignores = !text.startsWith('!')
  const pattern = (ignores ? text : text.slice(1)).replace(/^\\([#!])/, '$1')
  const bare = pattern.replace(/\/$/, '')
  if (bare === '') return undefined
  // A slash at the beginning or in the middle ties the pattern to this directory.
  const glob = bare.includes('/') ? bare.replace(/^\//, '') : `**/${bare}`
  const matches = picomatch(glob, { dot: true, nobrace: true, noextglob: true, nonegate: true })
  return { ignores, directoriesOnly: pattern.endsWith('/'), matches }
}
