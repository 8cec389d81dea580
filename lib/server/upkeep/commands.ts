import type { DaemonConfig } from '../../base/config.js'
import { formatBytes } from '../../base/units.js'
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
  if (verb === 'prune') return await runPrune(config, isDry, say)
  const [file] = words
  if (file === undefined) throw new StartError(`${verb} needs the name of a file; see jankinsd --help`, 2)
  if (verb === 'backup') say(`${file} was written, ${await backUp(config.dataDir, file)} bytes`)
  else {
    await restore(file, config.dataDir)
    say(`${config.dataDir} was restored from ${file}; start jankinsd on it`)
  }
  return 0
}

async function runPrune(config: DaemonConfig, isDry: boolean, say: (line: string) => void): Promise<number> {
  const pruned = isDry ? undefined : await prune(config)
  if (pruned) {
    say(`removed: logs and artifacts of ${counted(pruned.jobs, 'job')}, ${counted(pruned.bundles, 'bundle')}`)
    return 0
  }
  const isDue = await sayDue(config, say)
  if (isDry || !isDue) return 0
  process.stderr.write(
    `jankinsd: nothing was removed: the daemon that runs on ${config.dataDir} removes by itself, a little at a time, ` +
      'what its own configuration does not keep; after a change of that, systemctl reload jankinsd\n',
  )
  return 1
}

/** @returns whether there is anything to remove */
async function sayDue(config: DaemonConfig, say: (line: string) => void): Promise<boolean> {
  let [lines, bytes] = [0, 0]
  for await (const due of findDue(config)) {
    const size = formatBytes(due.bytes)
    if (due.kind === 'bundles') say(`not needed by any job: ${counted(due.count, 'bundle')}, ${size}`)
    else
      say(
        `${due.action ?? 'jobs without an action'}: ${due.isPart ? 'at least ' : ''}${counted(due.count, 'job')}, ${size}`,
      )
    lines++
    bytes += due.bytes
  }
  if (lines === 0) say('retention keeps everything that there is')
  if (lines > 1) say(`together: ${formatBytes(bytes)}`)
  return lines > 0
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
