import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { makeDirectory } from '../../lib/base/make-directory.js'

const dir = mkdtempSync(join(tmpdir(), 'jankins-test-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true }))

t.test('what is missing is made, each with the mode, and what is there stays', async t => {
  const path = join(dir, 'a', 'b', 'c')
  makeDirectory(path, 0o700)
  makeDirectory(path, 0o711)
  for (const made of ['a', 'a/b', 'a/b/c']) t.equal(statSync(join(dir, made)).mode & 0o777, 0o700, made)
  makeDirectory('/')
})

t.test('where none can be made the file system says why, at once', async t => {
  writeFileSync(join(dir, 'file'), '')
  t.throws(() => makeDirectory(join(dir, 'file')), { code: 'EEXIST' })
  t.throws(() => makeDirectory(join(dir, 'file', 'below')), { code: 'ENOTDIR' })
  t.throws(() => makeDirectory('/proc/jankins/none'), { code: 'ENOENT' })
  t.throws(() => makeDirectory('/proc/jankins'), { code: 'ENOENT' })
})
