import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { loadCompiled, scriptOf } from '../../lib/base/load-compiled.js'

const require = createRequire(import.meta.url)

t.test('a module runs with what was compiled of it, without it, and when that is of no use', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'jankins-test-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const path = join(dir, 'module.js')
  writeFileSync(path, "exports.path = require('node:path').join(__dirname, 'a')")
  const wanted = { path: join(dir, 'a') }
  t.same(loadCompiled(path, require), wanted)
  const compiled = scriptOf(path).createCachedData()
  t.equal(scriptOf(path, compiled).cachedDataRejected, false)
  writeFileSync(`${path}.compiled`, compiled)
  t.same(loadCompiled(path, require), wanted)
  // As another release of V8 would find it: the first bytes say which one it is from.
  compiled.fill(0xff, 0, 8)
  // Of a text that this process has not compiled: V8 would not even look at what is handed to it.
  const other = join(dir, 'other.js')
  writeFileSync(other, 'exports.other = __filename')
  t.equal(scriptOf(other, compiled).cachedDataRejected, true)
  writeFileSync(`${other}.compiled`, compiled)
  t.same(loadCompiled(other, require), { other })
})
