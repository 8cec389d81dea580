import t from 'tap'
import { ERROR_CODES, type ErrorCode, isErrorCode, JankinsError } from '../../protocol/errors.js'
import { ROLES } from '../../protocol/fields.js'
import * as ids from '../../protocol/ids.js'
import { LIMITS } from '../../protocol/limits.js'
import { COMMON_ERRORS, isMethod, METHODS, NOTICES } from '../../protocol/methods.js'
import type { Schema } from '../../protocol/schema.js'
import { PROTOCOL_VERSION } from '../../protocol/version.js'

/** What a session itself answers with, before a method is known. */
const SESSION_ERRORS: readonly ErrorCode[] = [
  'E_BAD_FRAME',
  'E_FRAME_TOO_LARGE',
  'E_TLS_REQUIRED',
  'E_UNKNOWN_METHOD',
  'E_DISABLED',
]
const methods = Object.entries(METHODS)

t.test('every error code is used by a method, by all of them, or by the session', async t => {
  const used = new Set<string>([...COMMON_ERRORS, ...SESSION_ERRORS, ...methods.flatMap(([, method]) => method.errors)])
  t.strictSame(
    Object.keys(ERROR_CODES).filter(code => !used.has(code)),
    [],
  )
  for (const [name, method] of methods) {
    const common = method.errors.filter(code => (COMMON_ERRORS as readonly string[]).includes(code))
    t.strictSame(common, [], `${name} does not repeat what any method may answer with`)
    t.equal(new Set(method.errors).size, method.errors.length, name)
  }
})

t.test('names are noun.verb, and each method says what it does, who may and since when', async t => {
  for (const [name, method] of [...methods, ...Object.entries(NOTICES)]) {
    t.match(name, /^[a-z]+\.[a-z]+$/)
    t.match(method.doc, /^[A-Z].*\.$/, name)
    t.equal(method.params.shape.kind, 'obj', name)
  }
  for (const [name, method] of methods) {
    t.ok(method.roles.length > 0, name)
    t.ok(
      method.roles.every(role => role === 'none' || ROLES.includes(role)),
      name,
    )
    t.ok(
      method.roles.some(role => role === 'none') || method.roles.some(role => role === 'admin'),
      `${name}: admins may`,
    )
    t.ok(method.since >= 1 && method.since <= PROTOCOL_VERSION, name)
    t.equal(method.result.shape.kind, 'obj', name)
  }
})

t.test('every field has a plain name, and everything that a peer may send has an end', async t => {
  const walk = (schema: Schema<unknown>, path: string): void => {
    const { shape } = schema
    switch (shape.kind) {
      case 'int':
        t.ok(Number.isSafeInteger(shape.min) && Number.isSafeInteger(shape.max) && shape.min <= shape.max, path)
        break
      case 'list':
        t.ok(shape.countMax <= LIMITS.nodesMax.value, path)
        walk(shape.of, `${path}[]`)
        break
      case 'pair':
        walk(shape.first, `${path}[0]`)
        walk(shape.second, `${path}[1]`)
        break
      case 'obj':
        for (const [key, field] of Object.entries(shape.fields)) {
          t.match(key, /^[a-z][A-Za-z0-9]*$/, path)
          walk(field, `${path}.${key}`)
        }
        break
      case 'text':
      case 'bytes':
        t.ok(shape.bytesMax <= LIMITS.chunkBytesMax.value, path)
        break
    }
  }
  for (const [name, method] of methods) {
    walk(method.params, `${name} params`)
    walk(method.result, `${name} result`)
  }
})

t.test('only own names are methods and codes', async t => {
  t.ok(isMethod('job.queue') && isErrorCode('E_AUTH'))
  for (const name of ['', 'toString', '__proto__', 'constructor']) t.notOk(isMethod(name) || isErrorCode(name), name)
})

t.test('an error says whether to try again, and its text is for people', async t => {
  const error = new JankinsError('E_BUSY', { job: 1 }, { cause: 'x' })
  t.match(error, { name: 'JankinsError', code: 'E_BUSY', detail: { job: 1 }, retry: true, cause: 'x' })
  t.match(error.message, /^E_BUSY: /)
  t.equal(new JankinsError('E_AUTH').retry, false)
  for (const [code, { text }] of Object.entries(ERROR_CODES)) {
    t.match(code, /^E_[A-Z]+(_[A-Z]+)*$/)
    t.match(text, /^[a-z].*[^.]$/, code)
  }
})

t.test('an id is parsed, never cast', async t => {
  t.strictSame([1, 2 ** 53 - 1].map(ids.parseJobId), [1, 2 ** 53 - 1])
  t.strictSame([0, -1, 1.5, 2 ** 53, Number.NaN].map(ids.parseJobId), Array(5).fill(undefined))
  t.strictSame([1, 2 ** 53 - 1, 0, 1.5].map(ids.parseInviteId), [1, 2 ** 53 - 1, undefined, undefined])
  for (const parse of [ids.parseLeaseId, ids.parseClaimId, ids.parseInstanceId, ids.parseInviteToken]) {
    t.equal(parse('0123456789abcdef'.repeat(2)), '0123456789abcdef'.repeat(2))
    for (const bad of ['', '0'.repeat(31), '0'.repeat(33), 'A'.repeat(32), `${'0'.repeat(32)}\n`])
      t.equal(parse(bad), undefined)
  }
  t.equal(ids.parseSha256('0'.repeat(64)), '0'.repeat(64))
  t.equal(ids.parseSha256('0'.repeat(63)), undefined)
  for (const good of ['a', '9', 'build.linux-x64_2+b@c', 'x'.repeat(64)]) t.equal(ids.parseName(good), good)
  for (const bad of ['', '-a', '.a', '@a', 'a b', 'a/b', 'ä', 'x'.repeat(65), 'a\n'])
    t.equal(ids.parseName(bad), undefined, bad)
})
