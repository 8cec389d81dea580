import t from 'tap'
import { ArchiveError } from '../../lib/client/archive/archive-error.js'
import { createEntryChecks, type EntryClaim } from '../../lib/client/archive/entry-checks.js'
import { leadsOut } from '../../lib/client/archive/link-target.js'

const LIMITS = { entriesMax: 5, fileBytesMax: 700, bytesMax: 1_000, ratioMax: 10, ratioFreeBytes: 100 }
const file = (name: string, bytes = 1, packedBytes = bytes): EntryClaim => ({ name, kind: 'file', bytes, packedBytes })
const directory = (name: string): EntryClaim => ({ name, kind: 'directory', bytes: 0, packedBytes: 0 })
const link = (name: string): EntryClaim => ({ name, kind: 'symlink', bytes: 1, packedBytes: 1 })

/** Adds all of them and finishes. Claims of symlinks come with their target. */
function check(...claims: (EntryClaim | [EntryClaim, string])[]): void {
  const checks = createEntryChecks(LIMITS)
  for (const claim of claims) {
    if (!Array.isArray(claim)) checks.add(claim)
    else checks.addTarget(checks.add(claim[0]), claim[1])
  }
  checks.finish()
}

t.test('ordinary names pass, in any order', async t => {
  t.doesNotThrow(() => check(file('a/b/c'), directory('a/b/'), directory('a/'), file('a/b.c'), file('ä/日本 .txt')))
  check(file('..a'), file('a..'), file('...'), file(' '), file('ab:c'))
})

t.test('names that a file system could take for somewhere else are refused', async t => {
  const names = [
    '',
    '/',
    '/a',
    '../a',
    'a/../b',
    'a/..',
    '..',
    '.',
    './a',
    'a/./b',
    'a//b',
    'a/',
    'C:a',
    'c:/a',
    'a\\b',
    '..\\a',
    'a\0b',
    'x'.repeat(256),
    'x/'.repeat(2_100).slice(0, -1),
  ]
  for (const name of names) t.throws(() => check(file(name)), ArchiveError, JSON.stringify(name.slice(0, 20)))
  for (const name of ['../', '/', 'a/../', './']) t.throws(() => check(directory(name)), ArchiveError, name)
})

t.test('two entries for one place are refused, also where case does not count', async t => {
  t.throws(() => check(file('a'), file('a')), /twice/)
  t.throws(() => check(directory('a/'), directory('a/')), /twice/)
  t.throws(() => check(file('a'), file('A')), /case/)
  t.throws(() => check(file('dir/a'), file('DIR/b')), /case/)
  t.throws(() => check(file('\u00e4'), file('a\u0308')), /case/, 'one letter, written in two ways')
  t.throws(() => check(directory('a/'), file('a')), /twice/)
})

t.test('nothing lies below a file or a symlink, whichever comes first', async t => {
  t.throws(() => check(file('a'), file('a/b')), /below/)
  t.throws(() => check(file('a/b'), file('a')), ArchiveError)
  t.throws(() => check([link('a'), 'b'], file('a/b')), /below/)
  t.throws(() => check(file('a/b'), [link('a'), 'b']), ArchiveError)
})

t.test('symlinks may lead anywhere inside, and nowhere else', async t => {
  check([link('a'), 'b'], [link('d/e/f'), '../../x'], [link('d/self'), '.'], [link('d/up'), '..'])
  check([link('a'), 'b/../c'])
  for (const target of ['/etc/passwd', '..', '../x', 'b/../../x', 'C:/x', 'b\\c', '', 'a\0', 'x/../../../y'])
    t.throws(() => check([link('a'), target]), /leads out/, JSON.stringify(target))
  t.throws(() => check([link('d/up'), '../..']), /leads out/)
})

t.test('a symlink that leads out only over another one is refused', async t => {
  t.throws(() => check([link('d/e/up'), '../..'], [link('x'), 'd/e/up/../y']), /leads out/)
  t.throws(() => check([link('x'), 'd/e/up/../y'], [link('d/e/up'), '../..']), /leads out/)
  t.throws(() => check([link('a'), 'b'], [link('b'), 'a']), /leads out/, 'a circle leads nowhere')
  t.equal(leadsOut('a', new Map([['a', 'a/b']])), true)
  t.equal(leadsOut('a', new Map([['a', 'b/../c']])), false)
})

t.test('count, total and ratio have limits', async t => {
  t.throws(() => check(...['a', 'b', 'c', 'd', 'e', 'f'].map(name => file(name))), /5 entries/)
  t.throws(() => check(file('a', 600), file('b', 401)), /1000 bytes/)
  t.throws(() => check(file('a', 701)), /"a" has 701 bytes/)
  t.throws(() => check(file('a', 200, 19)), /bomb/)
  check(file('a', 100, 1))
  const checks = createEntryChecks(LIMITS)
  for (const name of ['a', 'b', 'c']) checks.add(file(name, 100, 100))
  t.throws(() => checks.finish(250), /overlap/)
  check(file('a', 200, 20))
})
