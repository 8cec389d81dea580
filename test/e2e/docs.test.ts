import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { type Block, missingLine, readBlocks } from '../helpers/document.js'
import { quietPort } from '../helpers/ports.js'
import { programPath, startDaemon, temporaryDirectory, withoutOwn } from '../helpers/processes.js'
import { openShell, type Shell } from '../helpers/shell.js'

const DOCUMENTS = ['README.md', ...readdirSync('docs').map(file => `docs/${file}`)].filter(file => file.endsWith('.md'))
/** What a reader would install, and a machine of tests may be without. */
const MISSING = ['curl', 'tmux'].filter(tool => spawnSync(tool, ['-V']).error)

for (const file of DOCUMENTS) {
  const blocks = readBlocks(readFileSync(file, 'utf8'))
  if (blocks.length > 0) t.test(`every command in ${file} does what it says there`, t => runDocument(t, file, blocks))
}

t.test('every link between documents leads somewhere', async t => {
  const missing = DOCUMENTS.flatMap(file =>
    [...readFileSync(file, 'utf8').matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].flatMap(
      ([, path = '', anchor]) => {
        const target = path === '' ? file : join(dirname(file), path)
        if (!existsSync(target)) return [`${file}: ${target}`]
        return anchor === undefined || anchorsOf(target).includes(anchor) ? [] : [`${file}: ${target}#${anchor}`]
      },
    ),
  )
  t.strictSame(missing, [])
})

/** Of the headings, as forges make them. */
const anchorsOf = (file: string): readonly string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )

t.test('the messages that are explained are messages of jankins', async t => {
  const headings = [...readFileSync('docs/troubleshooting.md', 'utf8').matchAll(/^### `(.*)`$/gm)]
  const sources = ['protocol', 'lib'].flatMap(folder =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.ts'))
      .map(file => readFileSync(join(folder, file), 'utf8')),
  )
  t.ok(headings.length > 10, 'they were found')
  const unknown = headings.filter(([, message = '']) => !sources.some(source => source.includes(message)))
  t.strictSame(
    unknown.map(([heading]) => heading),
    [],
  )
})

t.test('a line that a command does not print is missed, whatever its numbers', async t => {
  const printed = 'JOB  STATE     TOOK\n 12  COMPLETE  0.4s\ndone\n'
  t.equal(missingLine('JOB STATE TOOK\n1  COMPLETE  71ms\n...\n', printed), undefined)
  t.equal(missingLine('...\ndone\n', printed), undefined)
  t.equal(missingLine('JOB STATE TOOK\ndone\n', printed), 'done')
  t.equal(missingLine('JOB STATE TOOK\n 1  TIMEOUT  2s\n...', printed), ' 1  TIMEOUT  2s')
  t.match(missingLine('JOB STATE TOOK', printed), /COMPLETE/)
})

async function runDocument(t: Test, file: string, blocks: readonly Block[]): Promise<void> {
  const place = await placeFor(t, blocks)
  const machines = new Map<string, Promise<Shell>>()
  for (const { line, machine, stays, script, shown } of blocks) {
    const where = `${file}:${line}`
    const missing = MISSING.find(tool => new RegExp(`\\b${tool}\\b`).test(script))
    if (missing !== undefined) {
      // What follows counts on it.
      t.comment(`${where}: not run from here on, ${missing} is not installed`)
      return
    }
    const opened = machines.get(machine) ?? place.open(machine)
    machines.set(machine, opened)
    const shell = await opened
    if (stays) await shell.leave(place.real(script), /\bjankinsd\b/.test(script) ? 'listens on' : undefined)
    else {
      const printed = await shell.run(place.real(script), where)
      t.equal(shown && missingLine(place.real(shown), printed), undefined, where, { printed })
    }
  }
}

/** A document starts a daemon by itself, or its reader is logged in as admin at one that runs. */
async function placeFor(t: Test, blocks: readonly Block[]) {
  const [etc, backups, tmux, homes] = [1, 2, 3, 4].map(() => temporaryDirectory(t)) as [string, string, string, string]
  const startsDaemon = blocks.some(({ stays, script }) => stays && /\bjankinsd\b/.test(script))
  const metricsPort = String(await quietPort())
  const daemon = startsDaemon ? undefined : await startDaemon(t, { args: ['--metrics', `127.0.0.1:${metricsPort}`] })
  const port = daemon?.address.port ?? (await quietPort())
  const config = join(etc, 'jankins.conf')
  writeFileSync(config, `port = ${port}\n`)
  const environment = {
    ...withoutOwn(),
    NO_COLOR: '1',
    PATH: `${pathFor(t, homes)}:${process.env.PATH}`,
    JANKINS_SERVER: `127.0.0.1:${port}`,
    JANKINS_CONFIG: config,
    TMUX: undefined,
    TMUX_TMPDIR: tmux,
  }
  t.teardown(() => void spawnSync('tmux', ['kill-server'], { env: { ...process.env, ...environment } }))
  const names: readonly (readonly [string, string])[] = [
    ['ci.example', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.1'],
    ['5265', String(port)],
    ['9265', metricsPort],
    ['/etc/jankins', etc],
    ['/var/backups', backups],
    ['/srv/alice', join(homes, 'here')],
    ['/var/lib/jankins', daemon?.dataDir ?? ''],
  ]
  return {
    /** A script with the names of this machine in place of those of the document. */
    real: (script: string): string => names.reduce((text, [name, own]) => text.replaceAll(name, own), script),
    async open(machine: string): Promise<Shell> {
      const home = join(homes, machine)
      mkdirSync(home, { recursive: true })
      const shell = openShell(t, home, environment)
      if (daemon) await shell.run(`jankins login admin --password-file ${daemon.dataDir}/admin-password`, 'login')
      return shell
    },
  }
}

/** The programs, and an scp that knows the other machines of a document. */
function pathFor(t: Test, homes: string): string {
  const path = programPath(t)
  const home = `${homes}/\${2%%:*}`
  const to = `case $2 in *:/*) to=\${2#*:} ;; *) to=${home}/\${2#*:} ;; esac`
  const copy = `#!/bin/sh\n${to}\nmkdir -p "${home}" && exec cp "$1" "$to"\n`
  writeFileSync(join(path, 'scp'), copy, { mode: 0o755 })
  return path
}
