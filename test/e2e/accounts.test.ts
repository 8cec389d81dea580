import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { verifyAudit } from '../../lib/audit/verify.js'
import { readStat } from '../../lib/worker/machine/proc.js'
import { parseName } from '../../protocol/ids.js'
import { cli, startCli, startDaemon, temporaryDirectory } from '../helpers/processes.js'

const build = parseName('build')!

t.test('a box is registered by an invitation, works, and is shut out while it runs a job', async t => {
  for (const threads of ['2', 'per-connection']) {
    const daemon = await startDaemon(t, { args: ['--threads', threads] })
    const { env } = daemon
    const token = (await cli(t, ['invite', '--role', 'worker'], { env })).stdout.toString().trim()
    const box = { XDG_CONFIG_HOME: temporaryDirectory(t), JANKINS_SERVER: env.JANKINS_SERVER, JANKINS_INVITE: token }
    t.match(await cli(t, ['register', 'box', '--generate'], { env: box }), { code: 0, stderr: '' })
    await cli(t, ['add-action', 'build', '--lease', '1h', '--', 'sleep', '600'], { env })
    const worker = startCli(t, ['work', '--name', 'box', '--dir', temporaryDirectory(t)], { env: box })
    const client = await daemon.connect()
    const { jobs } = await client.call('job.queue', { action: build, key: `key-of-${threads}` })
    const job = jobs[0]!
    const view = async () => (await client.call('job.wait', { job, waitMs: 100 })).job
    let found = await view()
    while (found.pid === undefined) found = await view()
    t.match(await cli(t, ['users', 'disable', 'box'], { env }), {
      code: 0,
      stdout: Buffer.from('account box is disabled\n'),
    })
    while (found.endedAtMs === undefined) found = await view()
    t.match(found, { state: 'CANCELLED', reason: 'worker-disabled', worker: 'box' })
    t.ok(['Z', 'X'].includes(readStat(found.pid!)?.state ?? 'X'), 'its shell is gone, or waits to be reaped')
    worker.child.kill('SIGKILL')
    await worker.ended
  }
})

t.test('a daemon that is killed has a line for every change that it made', async t => {
  const daemon = await startDaemon(t)
  const client = await daemon.connect()
  await client.call('action.add', { action: build, command: ['true'] })
  let answered = 0
  const asking = Array.from({ length: 3_000 }, async (_, n) => {
    await client.call('job.queue', { action: build, key: `request-${n}` })
    if (++answered === 500) daemon.child.kill('SIGKILL')
  })
  await Promise.allSettled(asking)
  await daemon.ended
  const db = new Database(join(daemon.dataDir, 'jankins.db'))
  const keys = db.prepare('SELECT request_key FROM jobs').pluck().all() as string[]
  db.close()
  t.ok(keys.length >= 500)
  const log = readFileSync(join(daemon.dataDir, 'audit.log'), 'utf8')
  t.strictSame(
    keys.filter(key => !log.includes(`"key":"${key}"`)),
    [],
  )
  t.equal(statSync(join(daemon.dataDir, 'audit.log')).mode & 0o777, 0o600)
  await startDaemon(t, { dataDir: daemon.dataDir })
  t.match(await verifyAudit(daemon), { problems: [] })
})
