import { readFileSync } from 'node:fs'
import t from 'tap'
import { ERROR_CODES } from '../../protocol/errors.js'
import { LIMITS } from '../../protocol/limits.js'
import { COMMON_ERRORS, METHODS, NOTICES } from '../../protocol/methods.js'
import { int, obj, opt } from '../../protocol/schema.js'
import { actionView, grant, jobView, userView, workerView } from '../../protocol/views.js'
import { fill, parts } from '../../scripts/docs.mjs'

const VIEWS = { job: jobView, action: actionView, user: userView, worker: workerView, grant }
const tables = { METHODS, NOTICES, COMMON_ERRORS, ERROR_CODES, LIMITS, VIEWS }
const document = readFileSync('protocol/PROTOCOL.md', 'utf8')

t.test('PROTOCOL.md is what the tables and the transcripts make of it; npm run docs writes it anew', async t => {
  t.ok(fill(document, parts(tables)) === document, 'up to date')
})

t.test('every generated part stands in PROTOCOL.md', async t => {
  const absent = Object.keys(parts(tables)).filter(name => !document.includes(`<!-- begin ${name} -->`))
  t.strictSame(absent, [])
})

t.test('a change of a table makes the document stale', async t => {
  const more = { ...VIEWS, job: obj({ ...{ job: int(1, 2) }, later: opt(int(3, 4)) }) }
  t.not(fill(document, parts({ ...tables, VIEWS: more })), document)
})

t.test('a part that nothing generates is an error', async t => {
  t.throws(() => fill('<!-- begin sonnets -->\n<!-- end sonnets -->', parts(tables)), { message: /sonnets/ })
})

t.test('every method, notice, error and limit is named, and every field has its words', async t => {
  const names = [METHODS, NOTICES, ERROR_CODES, LIMITS].flatMap(table => Object.keys(table))
  t.strictSame(
    names.filter(name => !document.includes(name)),
    [],
  )
})
