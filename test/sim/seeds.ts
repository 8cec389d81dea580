import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { makeScratch } from './scratch.js'
import { type SimulationOptions, type SimulationResult, simulate } from './simulation.js'

export interface Seeds {
  /** An empty directory for another database. */
  directory(): string
  /** Runs one seed on a database of its own. */
  run(seed: number, options?: Omit<SimulationOptions, 'seed' | 'dataDir'>): Promise<SimulationResult>
}

/** All that is written for the seeds goes with the test. */
export function openSeeds(t: Pick<Test, 'teardown'>): Seeds {
  const base = makeScratch()
  t.teardown(() => rmSync(base, { recursive: true, force: true }))
  let databases = 0
  const directory = (): string => join(base, String(++databases))
  return {
    directory,
    async run(seed, options = {}) {
      const dataDir = directory()
      try {
        return await simulate({ seed, dataDir, ...options })
      } finally {
        rmSync(dataDir, { recursive: true, force: true })
      }
    },
  }
}
