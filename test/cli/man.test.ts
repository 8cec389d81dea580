import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { COMMANDS } from '../../lib/cli/commands.js'
import { daemon } from '../../lib/cli/options.js'
import { USAGE } from '../../lib/server/front/command.js'
import { JANKINS_VERSION } from '../../protocol/version.js'
import { manPages } from '../../scripts/man.mjs'

const DIRECTORY = 'docs/man'
const conf = readFileSync('jankins.conf', 'utf8')
const sources = { COMMANDS, daemon, USAGE, conf, version: JANKINS_VERSION }
const pages = manPages(sources)

/** A page as the source of it reads, without the marks of the formatter. */
const plain = (name: string): string => (pages[name] ?? '').replaceAll('\\-', '-')

t.test('the man pages are what --help and jankins.conf make of them; npm run docs writes them anew', async t => {
  t.strictSame(readdirSync(DIRECTORY).sort(), Object.keys(pages).sort())
  for (const [name, page] of Object.entries(pages))
    t.ok(readFileSync(`${DIRECTORY}/${name}`, 'utf8') === page, `${name} is up to date`)
})

t.test('every command, option and key has its entry', async t => {
  const commands = Object.entries(COMMANDS).flatMap(([name, { options }]) => [
    `"jankins ${name}`,
    ...Object.keys(options).map(option => `--${option}`),
  ])
  t.strictSame(
    commands.filter(word => !plain('jankins.1').includes(word)),
    [],
  )
  const flags = [...USAGE.matchAll(/^ {2}(--\w+)/gm)].map(([, flag = '']) => flag)
  t.ok(flags.length >= 8, 'the flags of jankinsd were found')
  t.strictSame(
    flags.filter(flag => !plain('jankinsd.8').includes(`.B ${flag}`)),
    [],
  )
  const keys = [...conf.matchAll(/^# (\w+) = /gm)].map(([, key = '']) => key)
  t.ok(keys.length >= 20, 'the keys of jankins.conf were found')
  t.strictSame(
    keys.filter(key => !plain('jankins.conf.5').includes(`${key} = `)),
    [],
  )
})

t.test('what a summary, the usage or the file says anew makes its page stale', async t => {
  const changed = manPages({
    ...sources,
    USAGE: `${USAGE}  --more       more than before\n`,
    conf: `${conf}\n# k = 1\n`,
  })
  t.match(changed['jankinsd.8'], /\.B \\-\\-more\nmore than before\n/)
  t.match(changed['jankins.conf.5'], /\.B k = 1\n/)
})

const man = spawnSync('man', ['--version']).error === undefined
t.test('man has nothing to warn of', { skip: man ? false : 'man is not installed' }, async t => {
  for (const name of Object.keys(pages)) {
    const args = ['--warnings=all', '-E', 'UTF-8', '-l', `${DIRECTORY}/${name}`]
    const { status, stderr, stdout } = spawnSync('man', args, {
      encoding: 'utf8',
      env: { ...process.env, MANWIDTH: '80' },
    })
    t.match({ status, stderr }, { status: 0, stderr: /^$/ }, name)
    t.match(stdout, /SEE ALSO/)
  }
})
