import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { sleep, systemClock } from '../../lib/base/clock.js'
import type { Address } from '../../lib/base/wire.js'
import { formatAddress } from '../../lib/client/address.js'
import { quietPort } from '../helpers/ports.js'
import { type DaemonProcess, type Running, startCli, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { type Line, startLine } from './line.js'
import { createOutages, type Outages } from './outages.js'

/** A daemon and its workers as processes, each worker behind a line of its own, all of which may be killed. */
export interface Cluster {
  readonly address: Address
  readonly dataDir: string
  readonly password: string
  readonly workers: readonly WorkerBox[]
  /** The daemon that runs now. */
  daemon(): DaemonProcess
  /** Ends the daemon and starts it again on the same port and data. False when it is being restarted already. */
  restartDaemon(signal: 'SIGKILL' | 'SIGTERM', pauseMs: number): Promise<boolean>
}

/** One machine: a state directory and the worker process on it. */
export interface WorkerBox {
  readonly name: string
  readonly stateDir: string
  readonly line: Line
  readonly outages: Outages
  process(): Running
  /** Kills the process and starts another. False when that is under way already. */
  restart(signal: NodeJS.Signals, pauseMs: number): Promise<boolean>
  /** Names of the attempts that are on its disk. */
  attempts(): readonly string[]
}

export interface ClusterOptions {
  readonly workers: number
  readonly environment?: Readonly<Record<string, string>>
}

export async function startCluster(t: Test, options: ClusterOptions): Promise<Cluster> {
  const port = await quietPort()
  let daemon = await startDaemon(t, { args: ['--port', String(port)] })
  const { address, dataDir, password } = daemon
  const workers: WorkerBox[] = []
  let isRestarting: boolean = false
  const cluster: Cluster = {
    ...{ address, dataDir, password, workers },
    daemon: () => daemon,
    async restartDaemon(signal, pauseMs) {
      if (isRestarting) return false
      isRestarting = true
      const ends = workers.map(({ outages }) => outages.begin(`daemon ${signal}`))
      await daemon.stop(signal)
      await sleep(systemClock, pauseMs)
      daemon = await startDaemon(t, { dataDir, args: ['--port', String(port)] })
      for (const end of ends) end()
      isRestarting = false
      return true
    },
  }
  for (let index = 0; index < options.workers; index++)
    workers.push(await startBox(t, `box-${index}`, cluster, options.environment ?? {}))
  return cluster
}

async function startBox(
  t: Test,
  name: string,
  { address, password }: Cluster,
  environment: Readonly<Record<string, string>>,
): Promise<WorkerBox> {
  const stateDir = join(temporaryDirectory(t), 'state')
  const line = await startLine(t, address)
  const outages = createOutages()
  const env = {
    ...environment,
    JANKINS_SERVER: formatAddress(line.address),
    JANKINS_USER: 'admin',
    JANKINS_PASSWORD: password,
  }
  const start = (): Running => startCli(t, ['work', '--name', name, '--dir', stateDir], { env })
  let running = start()
  let isRestarting: boolean = false
  return {
    ...{ name, stateDir, line, outages },
    process: () => running,
    async restart(signal, pauseMs) {
      if (isRestarting) return false
      isRestarting = true
      const end = outages.begin(`worker ${signal}`)
      running.child.kill(signal)
      await running.ended
      await sleep(systemClock, pauseMs)
      running = start()
      end()
      isRestarting = false
      return true
    },
    attempts: () => readdirSync(join(stateDir, 'attempts')),
  }
}
