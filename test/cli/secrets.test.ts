import t from 'tap'
import { systemClock } from '../../lib/base/clock.js'
import { startDaemonInProcess } from '../helpers/daemon.js'
import { commandLine, jsonLines, type RunOptions } from './harness.js'

t.test('secrets are set from stdin or a terminal, listed by name, removed, and never shown', async t => {
  const daemon = await startDaemonInProcess(t, { clock: systemClock })
  const { run } = commandLine(t, daemon.dial)
  const { user } = await daemon.login('admin')
  const env = { JANKINS_USER: user, JANKINS_PASSWORD: `password of ${user}` }
  const admin = (argv: readonly string[], more: RunOptions = {}) => run(argv, { ...more, env })
  await admin(['add-action', 'deploy', '--', 'true'])

  const piped = await admin(['secret', 'set', 'deploy', 'TOKEN'], { input: 'hush-hush\n' })
  t.matchStrict(piped, { status: 0, stdout: 'secret TOKEN of deploy is set\n', stderr: '' })
  t.match(await admin(['secret', 'set', 'deploy', 'TOKEN'], { answers: ['hush-hush'] }), {
    stdout: 'secret TOKEN of deploy was set\n',
  })
  const lines = await admin(['secret', 'set', 'deploy', 'KEY', '--json'], { input: 'line 1\nline 2\r\n' })
  t.strictSame(jsonLines(lines.stdout), [{ action: 'deploy', secret: 'KEY', changed: true }])
  t.matchStrict(await admin(['secret', 'list', 'deploy']), { status: 0, stdout: 'KEY\nTOKEN\n' })
  t.strictSame(jsonLines((await admin(['secret', 'list', 'deploy', '--json'])).stdout), [
    { action: 'deploy', secret: 'KEY' },
    { action: 'deploy', secret: 'TOKEN' },
  ])
  t.match(await admin(['secret', 'remove', 'deploy', 'KEY']), { stdout: 'secret KEY of deploy is removed\n' })
  t.match(await admin(['secret', 'remove', 'deploy', 'KEY', '--json']), {
    stdout: '{"action":"deploy","secret":"KEY","changed":false}\n',
  })

  await t.test('what is of no use is refused before a value is asked for or sent', async t => {
    t.match(await admin(['secret', 'set', 'nobody', 'TOKEN']), { status: 1, stderr: /E_ACTION_NOT_FOUND/ })
    t.match(await admin(['secret', 'set', 'deploy', 'A-B']), {
      status: 2,
      stderr: /name must be letters, digits and _/,
    })
    t.match(await admin(['secret', 'set', 'deploy', 'TOKEN', '--server', 'far.example:1']), {
      status: 1,
      stderr: /secrets cross only TLS or loopback/,
    })
    const short = await admin(['secret', 'set', 'deploy', 'TOKEN'], { input: 'abc' })
    t.match(short, { status: 2, stderr: /value must be at least 6 bytes long: what is shorter cannot be masked/ })
    t.match(await admin(['secret', 'set', 'deploy', 'TOKEN'], { input: Buffer.from([0x61, 0xff, 0, 1, 2, 3]) }), {
      status: 2,
      stderr: /no text in UTF-8/,
    })
    const argv = await admin(['secret', 'set', 'deploy', 'TOKEN', 'hush-hush'])
    t.match(argv, { status: 2 }, 'there is no place for a value on the command line')
  })
})
