import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { addAction, queued, startWorker, THREAD_MODES } from '../helpers/jobs.js'
import { cli, startDaemon, temporaryDirectory } from '../helpers/processes.js'

const MIB = 1024 * 1024

for (const { threads, args } of THREAD_MODES)
  t.test(`with ${threads}`, async t => {
    const daemon = await startDaemon(t, { args })
    const client = await daemon.connect()
    startWorker(t, daemon, ['--jobs', '2'])

    t.test('binary bytes and invalid UTF-8 come back exactly, each stream by itself', async t => {
      const bytes = Buffer.from([...Array(256).keys(), 0xc3, 0x28, 0xff, 0xfe, 0x0d, 0x0a, 0x00, 0xf0, 0x9f])
      const file = join(temporaryDirectory(t), 'bytes')
      writeFileSync(file, bytes)
      await addAction(t, daemon, ['bytes', '--', 'sh', '-c', `cat ${file}; cat ${file} ${file} >&2`])
      const job = await queued(t, daemon, ['bytes', '--wait'])

      const out = await cli(t, ['log', job, '--stdout'], daemon)
      t.ok(out.stdout.equals(bytes), 'stdout is what the job wrote to stdout')
      const error = await cli(t, ['log', job, '--stderr', '--json'], daemon)
      const chunks = String(error.stdout).trim().split('\n')
      t.ok(chunks.length > 0)
      const read = await client.call('job.log', {
        job: Number(job) as never,
        stream: 'stderr',
        offset: 0,
        bytesMax: 65_536,
      })
      t.ok(Buffer.concat(read.chunks.map(chunk => chunk.data)).equals(Buffer.concat([bytes, bytes])))
      t.ok(read.ended)
    })

    t.test('a log of 100 MB comes back whole', async t => {
      const script =
        "let line = ''; for (let i = 0; i < 2 ** 20; i++) { line = String(i).padStart(99, '.') + '\\n'; " +
        "if (!process.stdout.write(line)) await new Promise(r => process.stdout.once('drain', r)) }"
      await addAction(t, daemon, ['long', '--', process.execPath, '--input-type=module', '-e', script])
      const job = await queued(t, daemon, ['long', '--wait'])
      const log = await cli(t, ['log', job], daemon)
      t.equal(log.code, 0)
      t.equal(log.stdout.length, 100 * MIB)
      const expected = createHash('sha256')
      for (let i = 0; i < 2 ** 20; i++) expected.update(`${String(i).padStart(99, '.')}\n`)
      t.equal(createHash('sha256').update(log.stdout).digest('hex'), expected.digest('hex'))
    })

    t.test('a log that is followed shows what the job writes before the job ends', async t => {
      const go = join(temporaryDirectory(t), 'go')
      await addAction(t, daemon, [
        'talk',
        '--',
        'sh',
        '-c',
        `echo first; while [ ! -e ${go} ]; do sleep 0.05; done; echo second`,
      ])
      const job = await queued(t, daemon, ['talk'])
      let seen = ''
      for (let offset = 0; ; ) {
        const page = await client.call('job.log', {
          job: Number(job) as never,
          stream: 'all',
          offset,
          bytesMax: 4_096,
          waitMs: 20_000,
        })
        seen += Buffer.concat(page.chunks.map(chunk => chunk.data)).toString()
        offset = page.next
        if (seen === 'first\n') writeFileSync(go, '')
        if (page.ended) break
      }
      t.equal(seen, 'first\nsecond\n')
    })

    t.test('stderr that is merged stands in stdout in the order written', async t => {
      await addAction(t, daemon, ['both', '--stderr', 'merge', '--', 'sh', '-c', 'echo 1; echo 2 >&2; echo 3'])
      const job = await queued(t, daemon, ['both', '--wait'])
      const log = await cli(t, ['log', job, '--stdout'], daemon)
      t.equal(String(log.stdout), '1\n2\n3\n')
    })

    t.test(
      'at the log limit the head, a mark and the tail stay, or the job is stopped, as the action says',
      async t => {
        const print = 'i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done'
        await addAction(t, daemon, ['cut', '--log-limit', '64KiB', '--', 'sh', '-c', print])
        await addAction(t, daemon, [
          'stop',
          '--log-limit',
          '64KiB',
          '--on-log-limit',
          'stop',
          '--grace',
          '1s',
          '--',
          'sh',
          '-c',
          'while :; do echo more; done',
        ])
        const cut = await queued(t, daemon, ['cut', '--wait'])
        const log = String((await cli(t, ['log', cut], daemon)).stdout)
        t.ok(log.startsWith('line 0\nline 1\n'), 'the head is there')
        t.ok(log.endsWith('line 19998\nline 19999\n'), 'the tail is there')
        t.ok(log.length < 70_000, `${log.length} bytes`)
        const stopped = await cli(t, ['queue', 'stop', '--wait'], daemon)
        t.equal(stopped.code, 130)
        const { jobs } = await client.call('job.query', { jobs: [Number(stopped.stdout) as never] })
        t.match(jobs[0], { state: 'CANCELLED', reason: 'log-limit' })
      },
    )
  })
