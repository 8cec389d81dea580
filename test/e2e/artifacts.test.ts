import { spawnSync } from 'node:child_process'
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import AdmZip from 'adm-zip'
import t from 'tap'
import { addAction, queued, startWorker } from '../helpers/jobs.js'
import { cli, startDaemon, temporaryDirectory } from '../helpers/processes.js'

t.test('10,000 files with unicode names, modes and links come back, and adm-zip opens their archive', async t => {
  const daemon = await startDaemon(t)
  const make = [
    'mkdir -p out/deep/er; i=0',
    'while [ $i -lt 9997 ]; do echo "file $i" > out/deep/f$i.txt; i=$((i+1)); done',
    'echo "größe" > "out/größe 漢字 🙂.txt"; printf "#!/bin/sh\\necho run\\n" > out/tool; chmod 755 out/tool',
    'chmod 640 out/deep/f1.txt; echo kept > "$JANKINS_ARTIFACTS/report"; ln -s deep/f7.txt out/link',
  ].join('; ')
  await addAction(t, daemon, ['make', '--artifact', 'out/**', '--', 'sh', '-c', make])
  startWorker(t, daemon)
  const job = await queued(t, daemon, ['make', '--wait'])
  const out = temporaryDirectory(t)
  const fetched = await cli(t, ['fetch', job, '-o', out], daemon)
  t.equal(fetched.code, 0, fetched.stderr)
  t.equal(readFileSync(join(out, 'report'), 'utf8'), 'kept\n')
  t.equal(readFileSync(join(out, 'out/größe 漢字 🙂.txt'), 'utf8'), 'größe\n')
  t.equal(readdirSync(join(out, 'out/deep')).filter(name => name.endsWith('.txt')).length, 9_997)
  t.equal(readFileSync(join(out, 'out/deep/f9996.txt'), 'utf8'), 'file 9996\n')
  t.equal(statSync(join(out, 'out/tool')).mode & 0o777, 0o755)
  t.equal(statSync(join(out, 'out/deep/f1.txt')).mode & 0o777, 0o640)
  t.ok(lstatSync(join(out, 'out/link')).isSymbolicLink())
  t.equal(readlinkSync(join(out, 'out/link')), 'deep/f7.txt')

  const zip = await archiveOf(daemon, job)
  const zipped = new AdmZip(zip).getEntries()
  const entries = zipped.filter(entry => !entry.isDirectory)
  t.equal(entries.length, 10_001)
  t.equal(
    entries
      .find(entry => entry.entryName === 'out/deep/f12.txt')
      ?.getData()
      .toString(),
    'file 12\n',
  )

  const listed = await cli(t, ['fetch', job, '--list', '--json'], daemon)
  t.equal(String(listed.stdout).trim().split('\n').length, zipped.length)
})

t.test('a link that leads out of the workspace is refused loudly, and nothing is kept', async t => {
  const daemon = await startDaemon(t)
  await addAction(t, daemon, ['leak', '--artifact', '*', '--', 'sh', '-c', 'echo fine > a; ln -s /etc/passwd b'])
  startWorker(t, daemon)
  const done = await cli(t, ['queue', 'leak', '--wait'], daemon)
  t.equal(done.code, 1, 'the job does not look like one that did well')
  const job = String(done.stdout).trim()
  t.match((await cli(t, ['log', job, '--stderr'], daemon)).stderr, /artifacts were not kept: .*b/)
  const fetched = await cli(t, ['fetch', job], daemon)
  t.equal(fetched.code, 1)
  t.match(fetched.stderr, /artifacts/)
})

t.test('a bundle of the git checkout travels with the job, as it is and without what is ignored', async t => {
  const daemon = await startDaemon(t)
  const checkout = temporaryDirectory(t)
  const git = (...args: string[]) =>
    spawnSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: checkout })
  const sh = (script: string) => spawnSync('sh', ['-c', script], { cwd: checkout })
  sh(
    'echo one > kept; echo two > changed; echo "*.o" > .gitignore; printf "#!/bin/sh\\necho tool\\n" > tool; chmod +x tool',
  )
  git('init', '-q')
  git('add', '.')
  git('commit', '-qm', 'first')
  sh('echo three > changed; echo x > big.o')
  await addAction(t, daemon, ['list', '--', 'sh', '-c', 'ls; cat changed; ./tool'])
  startWorker(t, daemon)
  const job = await queued(t, daemon, ['list', '--with', checkout, '--wait'])
  const log = await cli(t, ['log', job, '--stdout'], daemon)
  t.equal(String(log.stdout), 'changed\nkept\ntool\nthree\ntool\n')
})

async function archiveOf(daemon: Awaited<ReturnType<typeof startDaemon>>, job: string): Promise<Buffer> {
  const client = await daemon.connect()
  const pieces: Uint8Array[] = []
  for (let offset = 0; ; ) {
    const params = { job: Number(job) as never, offset, bytesMax: 262_144 }
    const { data, totalBytes } = await client.call('artifact.read', params)
    pieces.push(data)
    offset += data.length
    if (offset === totalBytes) return Buffer.concat(pieces)
  }
}
