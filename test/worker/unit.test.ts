import { readFileSync } from 'node:fs'
import t from 'tap'

t.test('the unit of a worker leaves its jobs alone when it is restarted', async t => {
  const lines = readFileSync('systemd/jankins-worker@.service', 'utf8').split('\n')
  for (const line of [
    'KillMode=process',
    'KillSignal=SIGHUP',
    'SendSIGKILL=no',
    'OOMPolicy=continue',
    'Delegate=yes',
    'PrivateTmp=no',
  ])
    t.ok(lines.includes(line), line)
})
