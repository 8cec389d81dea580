import t from 'tap'
import { LoginError, UsageError } from '../../lib/cli/command.js'
import { COMMANDS, type CommandName } from '../../lib/cli/commands.js'
import { failureOf } from '../../lib/cli/failure.js'
import { NearMissError } from '../../lib/cli/nearest.js'
import { parseCommandLine } from '../../lib/cli/parse.js'
import { ConnectionLostError } from '../../lib/client/connection.js'
import { CredentialsError } from '../../lib/client/credentials.js'
import { ERROR_CODES, type ErrorCode, JankinsError } from '../../protocol/errors.js'

const shown = (error: unknown): string => {
  const { line, status } = failureOf(error)
  return `${status} jankins: ${line}`
}

t.test('every error of the wire is told in one voice', async t => {
  const codes = Object.keys(ERROR_CODES) as ErrorCode[]
  const lines = codes.map(code => shown(new JankinsError(code, { job: 7 })))
  for (const line of lines) {
    t.match(
      line,
      /^[123] jankins: [a-z].*[^.] \(E_[A-Z_]+, job: 7\)$/,
      'no capital, no full stop, the code and its facts',
    )
    t.notMatch(line, '\n')
  }
  t.matchSnapshot(lines.join('\n'))
  t.matchSnapshot(shown(new JankinsError('E_BAD_REQUEST', { field: 'priority', expected: 'an integer' })), 'a field')
  const miss = new JankinsError('E_ACTION_NOT_FOUND', { action: 'biuld' })
  t.matchSnapshot(shown(new NearMissError(miss, 'build')), 'a near miss')
})

t.test('every way in which no connection is made says what to do', async t => {
  const codes = [
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ETIMEDOUT',
    'ECONNRESET',
    'EOTHER',
  ]
  const lines = codes.map(code => {
    const cause = Object.assign(new Error(`connect ${code}`), { code })
    return shown(new ConnectionLostError('cannot reach box:5265', { cause }))
  })
  const more = [
    new ConnectionLostError('box:5265 did not answer within 10000 ms'),
    new ConnectionLostError('cannot reach box:5265', { cause: new JankinsError('E_DRAINING') }),
    new LoginError('not logged in at box:5265: run jankins login NAME --server box:5265'),
    new CredentialsError('credentials.json is damaged: remove it and run jankins login'),
    new UsageError('nothing was entered'),
    new TypeError('x is not a function'),
  ].map(shown)
  t.matchSnapshot([...lines, ...more].join('\n'))
})

t.test('every mistake on the command line is told with what would be right', async t => {
  const lines = [
    [],
    ['que'],
    ['xyzzy'],
    ['queue'],
    ['queue', 'a', 'b'],
    ['queue', 'a', '--nope'],
    ['queue', 'a', '--priority'],
    ['queue', 'a', '--count', '0'],
    ['queue', 'a', '--count', 'abc'],
    ['queue', 'a', '--count', '1', '--count', '2'],
    ['queue', 'a b'],
    ['queue', 'a', '-p', 'x'],
    ['queue', 'a', '--', 'x'],
    ['query', 'x'],
    ['query', '--state', 'LOST'],
    ['query', '--columns', 'job,age'],
    ['query', '--since', 'yesterday'],
    ['add-action', 'a', '--timeout', '90', '--', 'x'],
    ['add-action', 'a', '--log-limit', '1GB', '--', 'x'],
    ['status', '--server', 'a:b:c'],
    ['users'],
    ['users', 'nope'],
  ]
  const messages: string[] = []
  for (const argv of lines)
    messages.push(
      await parseCommandLine(argv, 100).then(
        () => 'no mistake',
        error => `jankins ${argv.join(' ')}\n    ${shown(error)}`,
      ),
    )
  t.matchSnapshot(messages.join('\n'))
})

t.test('the help of every command', async t => {
  for (const name of Object.keys(COMMANDS) as CommandName[]) {
    const line = await parseCommandLine([...name.split(' '), '--help'], 100)
    t.matchSnapshot(line.kind === 'text' ? line.text : '', name)
  }
})
