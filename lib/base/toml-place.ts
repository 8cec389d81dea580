/**
 * Where a key stands in a TOML text, for error messages: the parser keeps no places. Lines and columns count from 1.
 * The line of the innermost part of `path` that is written on a line of its own; the first line when there is none.
 * @param path keys from the outside in; a number picks the element of an array of tables
 */
export function placeOf(text: string, path: readonly string[]): { readonly line: number; readonly column: number } {
  let table: readonly string[] = []
  const seen = new Map<string, number>()
  let best = { line: 1, column: 1, depth: 0 }
  text.split('\n').forEach((content, index) => {
    const [, indent = '', open, header] = /^(\s*)(\[\[?)\s*([\w."'-]+)\s*\]/.exec(content) ?? []
    if (header !== undefined) table = tableOf(header, open === '[[', seen)
    const [, keyIndent = '', key] = /^(\s*)([\w."'-]+)\s*=/.exec(content) ?? []
    const own = header !== undefined ? table : key !== undefined ? [...table, ...split(key)] : []
    const depth = own.length <= path.length && own.every((part, at) => part === path[at]) ? own.length : 0
    if (depth > best.depth) best = { line: index + 1, column: (indent || keyIndent).length + 1, depth }
  })
  return { line: best.line, column: best.column }
}

function tableOf(header: string, isArray: boolean, seen: Map<string, number>): readonly string[] {
  const keys = split(header)
  if (!isArray) return keys
  const name = keys.join('.')
  const index = seen.get(name) ?? 0
  seen.set(name, index + 1)
  return [...keys, String(index)]
}

const split = (dotted: string): string[] => dotted.split('.').map(part => part.trim().replace(/^["']|["']$/g, ''))
