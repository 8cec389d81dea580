import type { DaemonConfig } from '../../base/config.js'
import { StartError } from '../front/start-error.js'
import { backUp } from './backup.js'
import { findProblems } from './check.js'
import { restore } from './restore.js'
import type { UpkeepVerb } from './verbs.js'

/** @returns the exit status. @throws StartError */
export async function runUpkeep(verb: UpkeepVerb, words: readonly string[], config: DaemonConfig): Promise<number> {
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
  const [file] = words
  if (file === undefined) throw new StartError(`${verb} needs the name of a file; see jankinsd --help`, 2)
  if (verb === 'backup') say(`${file} was written, ${await backUp(config.dataDir, file)} bytes`)
  else {
    await restore(file, config.dataDir)
    say(`${config.dataDir} was restored from ${file}; start jankinsd on it`)
  }
  return 0
}
