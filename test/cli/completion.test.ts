import t from 'tap'
import { candidatesFor } from '../../lib/cli/completion/candidates.js'
import { SHELLS } from '../../lib/cli/completion/shells.js'
import { nearestOf } from '../../lib/cli/nearest.js'
import { fakeWorker } from './fake-worker.js'
import { setUp } from './people.js'

t.test('what may come next follows from the table of commands', async t => {
  const cases: [typed: string[], words: string[], live?: string][] = [
    [['que'], ['queue', 'query']],
    [
      ['users', ''],
      ['list', 'add', 'disable', 'enable', 'delete', 'rotate', '--help'],
    ],
    [['users', 'e'], ['enable']],
    [['query', '--st'], ['--state']],
    [
      ['query', '--state', 'C'],
      ['COMPLETE', 'CANCELLED'],
    ],
    [['query', '--state=T'], ['--state=TIMEOUT']],
    [
      ['query', '--columns', 'job,st'],
      ['job,state', 'job,started'],
    ],
    [['query', '--action', 'b'], [], 'action'],
    [['query', '--worker=b'], [], 'worker'],
    [['queue', ''], [], 'action'],
    [['queue', '--priority', '5', ''], [], 'action'],
    [['queue', '--wait', ''], [], 'action'],
    [['queue', 'build', ''], []],
    [['queue', '-p', ''], []],
    [['stop', '1', ''], [], 'job'],
    [['log', '-f', ''], [], 'job'],
    [['passwd', ''], [], 'account'],
    [['users', 'disable', ''], [], 'account'],
    [['work', '--drain', ''], [], 'worker'],
    [['run', 'a', '--with', ''], [], 'file'],
    [['exec', '--', 'ma'], [], 'file'],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['nonsense', ''], ['--help']],
  ]
  for (const [typed, words, live] of cases)
    t.strictSame(candidatesFor(typed), { words, ...(live !== undefined && { live }) }, typed.join(' '))
})

t.test('names that are live come from the daemon, and nothing at all where there is none', async t => {
  const { daemon, as, run } = await setUp(t)
  const admin = await as('admin')
  for (const action of ['build', 'bench', 'test']) await admin(['add-action', action, '--', 'true'])
  await admin(['queue', 'build', '--count', '12'])
  await fakeWorker(daemon, 'box')
  const words = async (...typed: string[]) =>
    (await admin(['completion', 'bash', '--', ...typed])).stdout.split('\n').slice(0, -1)
  t.strictSame(await words('queue', 'b'), ['bench', 'build'])
  t.strictSame(await words('stop', '1'), ['12', '11', '10', '1'])
  t.strictSame(await words('work', '--drain', ''), ['box'])
  t.strictSame(await words('users', 'disable', 'a'), ['admin-1'])
  t.strictSame(await words('que'), ['queue', 'query'])
  t.match(await run(['completion', 'fish', '--', 'queue', '']), { status: 0, stdout: '', stderr: '' })
  for (const shell of SHELLS)
    t.match(await run(['completion', shell]), { status: 0, stdout: new RegExp(`jankins completion ${shell} -- `) })
  t.match(await run(['completion', 'csh']), { status: 2, stderr: /SHELL must be one of bash, zsh, fish, not "csh"/ })
})

t.test('a name that does not exist is answered with the one that was probably meant', async t => {
  const { daemon, as } = await setUp(t)
  const admin = await as('admin')
  await admin(['add-action', 'build', '--', 'true'])
  await fakeWorker(daemon, 'box')
  t.match(await admin(['queue', 'biuld']), {
    status: 1,
    stderr: /^jankins: no action has this name; .*did you mean build\? \(E_ACTION_NOT_FOUND, action: biuld\)\n$/,
  })
  t.match(await admin(['work', '--drain', 'bx']), { status: 1, stderr: /did you mean box\? \(E_WORKER_NOT_FOUND/ })
  t.notMatch((await admin(['queue', 'zzzzz'])).stderr, 'did you mean')
  const names = ['build', 'build-all', 'test', 'deploy']
  const typed = ['biuld', 'BUILD', 'tst', 'depolyy', 'buildall', 'x', '']
  t.strictSame(
    typed.map(text => nearestOf(text, names)),
    ['build', 'build', 'test', 'deploy', 'build-all', undefined, undefined],
  )
})
