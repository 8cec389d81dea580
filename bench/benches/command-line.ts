import { type Bench, type Figures, jankins } from '../harness/bench.js'
import { type Ran, runJankins, runProgram } from '../harness/command.js'
import { startDaemon } from '../harness/daemon.js'
import type { Scope } from '../harness/scope.js'
import { median } from '../harness/statistics.js'
import { BUILDBOT, changeArgs, hasBuildbot, startMaster } from '../peers/buildbot.js'
import { hasLaminar, LAMINAR, startLaminar } from '../peers/laminar.js'

const RUNS = 20

export const cliQueue: Bench = {
  name: 'cli-queue',
  doc: 'A whole `jankins queue NAME` against a running daemon, from the start of the process to its end.',
  target: '1.5 times `node -e 0`',
  subjects: [
    jankins(async scope => {
      const daemon = await startDaemon(scope)
      const { JANKINS_PASSWORD, ...daemonEnv } = daemon.env
      const env = { ...daemonEnv, XDG_CONFIG_HOME: scope.directory() }
      await runJankins(scope, { ...env, JANKINS_PASSWORD }, ['login'])
      return await wholeRuns(() => runJankins(scope, env, ['queue', 'bench']))
    }),
    {
      name: LAMINAR,
      isInstalled: hasLaminar,
      async measure(scope) {
        const { ask } = await startLaminar(scope, 'exec true')
        return await wholeRuns(() => ask('queue'))
      },
    },
    {
      name: BUILDBOT,
      isInstalled: hasBuildbot,
      async measure(scope) {
        const master = await startMaster(scope, { command: ['true'] })
        return await wholeRuns(() => runProgram(scope, 'buildbot', changeArgs(master), master.env))
      },
    },
    {
      name: 'node -e 0',
      isInstalled: () => true,
      measure: (scope: Scope) => wholeRuns(() => runProgram(scope, process.execPath, ['-e', '0'], process.env)),
    },
  ],
}

async function wholeRuns(run: () => Promise<Ran>): Promise<Figures> {
  const times: number[] = []
  for (let index = 0; index < RUNS; index++) times.push((await run()).tookMs)
  return { p50: { value: median(times), unit: 'ms', better: 'less' } }
}
