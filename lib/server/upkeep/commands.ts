import type { DaemonConfig } from '../../base/config.js'
import { StartError } from '../front/start-error.js'
import { backUp } from './backup.js'
import { findProblems } from './check.js'
import { findDue, prune } from './prune.js'
import { restore } from './restore.js'
import type { UpkeepVerb } from './verbs.js'

/** @returns the exit status. @throws StartError */
export async function runUpkeep(
  verb: UpkeepVerb,
  words: readonly string[],
  config: DaemonConfig,
  isDry: boolean,
): Promise<number> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  if (verb === 'check') {
    let count = 0
    for await (const { what, mend } of findProblems(config)) {
      say(`problem: ${what}\n   mend: ${mend}`)
      count++
    }
    if (count === 0) say('no problem was found')
    return count === 0 ? 0 : 1
  }
  if (verb === 'prune') {
    await runPrune(config, isDry, say)
    return 0
  }
  const [file] = words
  if (file === undefined) throw new StartError(`${verb} needs the name of a file; see jankinsd --help`, 2)
  if (verb === 'backup') say(`${file} was written, ${await backUp(config.dataDir, file)} bytes`)
  else {
    await restore(file, config.dataDir)
    say(`${config.dataDir} was restored from ${file}; start jankinsd on it`)
  }
  return 0
}

async function runPrune(config: DaemonConfig, isDry: boolean, say: (line: string) => void): Promise<void> {
  if (isDry) {
    let count = 0
    for await (const { action, jobs, bytes, isPart } of findDue(config)) {
      say(`${action ?? 'jobs without an action'}: ${isPart ? 'at least ' : ''}${jobs} jobs, ${bytes} bytes`)
      count += jobs
    }
    if (count === 0) say('retention keeps everything that there is')
    return
  }
  const pruned = await prune(config)
  if (pruned !== undefined) say(`logs and artifacts of ${pruned} jobs were removed`)
  else say(`a daemon runs on ${config.dataDir}: it removes by itself what its retention does not keep`)
}
