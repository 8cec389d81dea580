import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { COMPLETION_SCRIPTS } from '../../lib/cli/completion/scripts.js'
import { SHELLS } from '../../lib/cli/completion/shells.js'
import { cli, programPath, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { missingTerminal, openTerminal } from '../helpers/terminal.js'

const missing = (shell: string): string | false =>
  spawnSync(shell, ['-c', 'true']).status === 0 ? false : `${shell} is not installed`

/** A daemon with an action `compile` and ten jobs. */
async function withJobs(t: Test) {
  const daemon = await startDaemon(t)
  const { env } = daemon
  await cli(t, ['add-action', 'compile', '--', 'true'], { env })
  await cli(t, ['queue', 'compile', '--count', '10'], { env })
  return daemon
}

/** What is typed at a prompt, and what the screen shows after Tab. A line loses the blanks at its end. */
const AT_TAB: readonly (readonly [typed: string, completed: RegExp])[] = [
  ['jankins comp', /jankins completion/],
  ['jankins queue comp', /jankins queue compile/],
  ['jankins query --state=T', /jankins query --state=TIMEOUT/],
  ['jankins query --limit=3 --state=', /PENDING .*RUNNING/],
  ['jankins stop ', /^10? .*\b9\b/m],
  ['jankins exec -- ./on', /jankins exec -- \.\/only-file/],
]

/** It goes on with what it does for other commands. */
const OF_BASH: typeof AT_TAB = [['echo a=./on', /echo a=\.\/only-file/]]

const SETUP = {
  bash: { start: 'exec bash --norc', source: 'source <(jankins completion bash)', alsoAtTab: OF_BASH },
  zsh: {
    start: "PS1='$ ' exec zsh -f",
    source: 'autoload -Uz compinit; compinit -D -u; source <(jankins completion zsh)',
    alsoAtTab: [],
  },
} as const

for (const shell of ['bash', 'zsh'] as const)
  t.test(
    `${shell} completes commands, live names and values at Tab`,
    { skip: missingTerminal || missing(shell) },
    async t => {
      const terminal = await openTerminal(t, await withJobs(t))
      await terminal.type('cd "$HOME" && : >only-file')
      await terminal.type(SETUP[shell].start)
      await terminal.type(`${SETUP[shell].source}; clear; echo ready`)
      await terminal.shows(/^ready$/m)
      for (const [typed, completed] of [...AT_TAB, ...SETUP[shell].alsoAtTab]) {
        await terminal.press('C-u')
        await terminal.press('C-l')
        await terminal.keys(`${typed}\t`)
        // Bash lists at the second one.
        if (shell === 'bash') await terminal.keys('\t')
        t.ok(await terminal.shows(completed), typed)
      }
    },
  )

t.test('fish completes commands, live names and values', { skip: missing('fish') }, async t => {
  const { env } = await withJobs(t)
  const home = temporaryDirectory(t)
  const script = join(home, 'jankins.fish')
  writeFileSync(script, COMPLETION_SCRIPTS.fish)
  writeFileSync(join(home, 'only-file'), '')
  const vars = { ...env, HOME: home, XDG_CONFIG_HOME: home, PATH: `${programPath(t)}:${process.env.PATH}` }
  const cases: [typed: string, words: string[]][] = [
    ['jankins qu', ['queue', 'query']],
    ['jankins queue ', ['compile']],
    ['jankins query --state=C', ['--state=COMPLETE', '--state=CANCELLED']],
    ['jankins query --columns job,st', ['job,state', 'job,started']],
    ['jankins stop ', ['10', '9', '8', '7', '6', '5', '4', '3', '2', '1']],
    ['jankins exec -- ./on', ['./only-file']],
    ['jankins run compile --with ./on', ['./only-file']],
  ]
  for (const [typed, words] of cases) {
    const asked = spawnSync('fish', ['-N', '-c', `source ${script}; complete -C '${typed}'`], { env: vars, cwd: home })
    t.strictSame(String(asked.stdout).split('\n').slice(0, -1), words, `${typed} ${asked.stderr}`)
  }
})

for (const shell of SHELLS)
  t.test(`${shell} finds no mistake in its script`, { skip: missing(shell) }, async t => {
    const file = join(temporaryDirectory(t), 'script')
    writeFileSync(file, COMPLETION_SCRIPTS[shell])
    t.equal(spawnSync(shell, ['-n', file]).status, 0)
  })
