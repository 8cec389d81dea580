import t from 'tap'
import {
  bool,
  bytes,
  check,
  checkResult,
  choice,
  doc,
  float,
  int,
  list,
  obj,
  opt,
  pair,
  type Schema,
  text,
} from '../../protocol/schema.js'

const refusal = (field: string): { code: string; detail: { field: string } } => ({
  code: 'E_BAD_REQUEST',
  detail: { field },
})

t.test('a message keeps the fields that the schema knows and drops the others', async t => {
  const schema = obj({ job: int(1, 10), name: opt(text(5)) })
  t.strictSame(check(schema, { job: 3, later: true, name: null }), { job: 3 })
})

t.test('each kind of value refuses what does not fit and names the field', async t => {
  const cases: [Schema<unknown>, unknown, unknown[]][] = [
    [int(1, 3), 2, [0, 4, 1.5, '2', Number.NaN, null]],
    [bool, true, [1, 'true']],
    [float(0, 1), 0.5, [-0.1, 1.1, Number.NaN, '0.5']],
    [text(3), 'äb', ['äö', 'abcd', 'a\0', 3]],
    [bytes(1, 2), new Uint8Array([1]), [new Uint8Array(3), new Uint8Array(0), 'a']],
    [choice('a', 'b'), 'b', ['c', 1]],
    [list(int(0, 9), 2), [1, 2], [[1, 2, 3], [10], 'x', {}]],
    [pair(text(1), int(0, 1)), ['a', 1], [['a'], ['a', 1, 2], ['a', 2], 'a']],
    [obj({ a: bool }), { a: true }, [{}, { a: 1 }, [], new Uint8Array(1), 'x']],
  ]
  for (const [schema, good, bad] of cases) {
    const message = obj({ field: schema })
    t.strictSame(check(message, { field: good }), { field: good })
    for (const value of bad) t.throws(() => check(message, { field: value }), refusal('field'), JSON.stringify(value))
  }
})

t.test('in a result a word that no choice lists yet is passed on, and nothing else that does not fit', async t => {
  const schema = obj({ states: list(choice('PENDING', 'RUNNING'), 2) })
  t.strictSame(checkResult(schema, { states: ['PENDING', 'PAUSED'] }), { states: ['PENDING', 'PAUSED'] })
  for (const word of ['', 'two words', 'x'.repeat(65), '\u001b[2J', 7])
    t.throws(() => checkResult(schema, { states: [word] }), refusal('states[0]'), JSON.stringify(word))
  t.throws(() => checkResult(schema, { states: 'PAUSED' }), refusal('states'))
})

t.test('a field is named by its whole path', async t => {
  const schema = obj({ jobs: list(obj({ id: int(1, 9) }), 4) })
  t.throws(() => check(schema, { jobs: [{ id: 1 }, { id: 0 }] }), refusal('jobs[1].id'))
})

t.test('inherited properties are no fields', async t => {
  t.throws(() => check(obj({ toString: text(9) }), {}), refusal('toString'))
})

t.test('a parse function makes the value, and its refusal is a misfit', async t => {
  const even = doc(
    'an even number',
    int(0, 9, n => (n % 2 === 0 ? { half: n / 2 } : undefined)),
  )
  t.strictSame(check(even, 4), { half: 2 })
  t.throws(() => check(even, 3), refusal('params'))
  const word = (form?: string) => text(9, s => (s === 'word' ? s : undefined), form)
  t.throws(() => check(word(), 'other'), { code: 'E_BAD_REQUEST', detail: { expected: 'a valid id' } })
  t.throws(() => check(word('the word'), 'other'), { code: 'E_BAD_REQUEST', detail: { expected: 'the word' } })
})
