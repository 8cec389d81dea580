import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Script } from 'node:vm'

/** What a CommonJS module is a function of. */
const HEAD = '(function (exports, require, module, __filename, __dirname) { '
const TAIL = '\n})'

export const scriptOf = (path: string, compiled?: Buffer): Script =>
  new Script(HEAD + readFileSync(path, 'latin1') + TAIL, {
    filename: path,
    ...(compiled && { cachedData: compiled }),
  })

/**
 * Runs a CommonJS module of ASCII text without `import()`, with what V8 made of it before (`PATH.compiled`) where that is there and of
 * this release of V8: V8 compiles anew otherwise. Nothing is written: an installation may be read-only.
 * @param require resolves for the module; of the same directory
 * @returns its exports
 */
export function loadCompiled(path: string, require: NodeJS.Require): unknown {
  const module = { exports: {} }
  const run = scriptOf(path, readCompiled(`${path}.compiled`)).runInThisContext()
  run(module.exports, require, module, path, dirname(path))
  return module.exports
}

function readCompiled(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined // it only saves time
  }
}
