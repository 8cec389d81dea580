import { LIMITS } from '../../protocol/limits.js'
import { ACCOUNT_COMMANDS } from './account-commands.js'
import { ACTION_COLUMNS, JOB_COLUMNS, WORKER_COLUMNS } from './columns.js'
import type { ArgsOf as ArgsOfSpec, CommandModule, CommandSpec } from './command.js'
import { SHELLS } from './completion/shells.js'
import * as o from './options.js'
import { SECRET_COMMANDS } from './secret-commands.js'

const action = { kind: 'name', of: 'action', required: true, describe: 'name of an action' } as const
const job = { kind: 'job', required: true, describe: 'id of a job' } as const
const command = { value: 'CMD [ARG...]', describe: 'what to run, without a shell' } as const

/** The one table of the command line: parser, help, completion and tests follow from it. A module is read when named. */
export const COMMANDS = {
  ...ACCOUNT_COMMANDS,
  'add-action': {
    summary: 'define what jobs of a name run',
    positionals: { name: { kind: 'name', required: true, describe: 'name of the new action' } },
    options: {
      ...o.definition,
      ...o.action,
      replace: { kind: 'flag', describe: 'change the action if there is one of this name' },
      ...o.daemon,
    },
    rest: command,
    load: (): Promise<CommandModule> => import('./commands/add-action.js'),
  },
  apply: {
    summary: 'make the actions what files say',
    positionals: { files: { kind: 'texts', required: true, describe: 'YAML; - is stdin' } },
    options: {
      'dry-run': { kind: 'flag', describe: 'only say what would change' },
      prune: { kind: 'flag', describe: 'disable every action that the files do not name' },
      ...o.daemon,
    },
    load: (): Promise<CommandModule> => import('./commands/apply.js'),
  },
  export: {
    summary: 'print actions as YAML, as apply reads it',
    positionals: { names: { kind: 'texts', of: 'action', describe: 'only these actions' } },
    options: { server: o.daemon.server, user: o.daemon.user },
    load: (): Promise<CommandModule> => import('./commands/export.js'),
  },
  actions: {
    summary: 'show the actions, or one in full',
    positionals: { name: { kind: 'name', of: 'action', describe: 'only this one' } },
    options: { ...o.listing(ACTION_COLUMNS), ...o.daemon },
    load: (): Promise<CommandModule> => import('./commands/actions.js'),
  },
  ...SECRET_COMMANDS,
  enable: {
    summary: 'let jobs of an action be queued and start',
    positionals: { name: action },
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/enable.js'),
  },
  disable: {
    summary: 'let no job of an action be queued or start',
    positionals: { name: action },
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/disable.js'),
  },
  queue: {
    summary: 'queue jobs of an action and print their ids',
    positionals: { name: action },
    options: {
      ...o.parameters,
      ...o.files,
      ...o.priority,
      count: {
        kind: 'integer',
        value: 'N',
        min: 1,
        max: LIMITS.jobsPerQueueMax.value,
        describe: 'how many jobs',
        byDefault: '1',
      },
      ...o.waiting,
      ...o.quiet,
      ...o.daemon,
    },
    load: (): Promise<CommandModule> => import('./commands/queue.js'),
  },
  run: {
    summary: 'queue a job, print its log as it comes, exit as it does',
    positionals: { name: action },
    options: {
      ...o.parameters,
      ...o.files,
      ...o.priority,
      follow: { kind: 'flag', short: 'f', describe: 'as it does by itself: for hands that are used to queue --follow' },
      ...o.quiet,
      ...o.daemon,
    },
    load: (): Promise<CommandModule> => import('./commands/run.js'),
  },
  exec: {
    summary: 'queue a job without an action and print its id',
    options: { ...o.definition, ...o.files, ...o.waiting, ...o.quiet, ...o.daemon },
    rest: command,
    load: (): Promise<CommandModule> => import('./commands/exec.js'),
  },
  query: {
    summary: 'show jobs, newest first, or one in full',
    positionals: { jobs: { kind: 'jobs', describe: 'only these' } },
    options: {
      ...o.filters,
      limit: { kind: 'integer', value: 'N', min: 1, max: 2 ** 53 - 1, describe: 'at most so many', byDefault: '20' },
      all: { kind: 'flag', describe: 'without a limit' },
      ...o.listing(JOB_COLUMNS),
      server: o.daemon.server,
      profile: o.daemon.profile,
      ...o.json,
    },
    load: (): Promise<CommandModule> => import('./commands/query.js'),
  },
  show: {
    summary: 'show everything about a job, or about an action',
    positionals: {
      what: { kind: 'text', of: 'action', required: true, describe: 'id of a job, or name of an action' },
    },
    options: {
      action: { kind: 'flag', describe: 'it is an action, also if its name is a number' },
      wide: { kind: 'flag', describe: 'nothing cut, exact times' },
      ...o.daemon,
    },
    load: (): Promise<CommandModule> => import('./commands/show.js'),
  },
  why: {
    summary: 'say why a job waits, why it went to its worker, why it ended as it did',
    positionals: { job },
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/why.js'),
  },
  log: {
    summary: 'print the log of a job, byte for byte',
    positionals: { job },
    options: {
      follow: { kind: 'flag', short: 'f', describe: 'go on until the job has ended, and exit as it did' },
      stdout: { kind: 'flag', describe: 'only what it wrote to stdout' },
      stderr: { kind: 'flag', describe: 'only what it wrote to stderr' },
      attempt: {
        kind: 'integer',
        value: 'N',
        min: 1,
        max: 1_000_000,
        describe: 'which attempt',
        byDefault: 'the last',
      },
      ...o.daemon,
    },
    load: (): Promise<CommandModule> => import('./commands/log.js'),
  },
  stop: {
    summary: 'stop jobs, or take them out of the queue',
    positionals: { jobs: { kind: 'jobs', required: true, describe: 'ids of jobs' } },
    options: {
      wait: { kind: 'flag', describe: 'return when they have ended, print their logs, exit as they did' },
      ...o.daemon,
    },
    load: (): Promise<CommandModule> => import('./commands/stop.js'),
  },
  pin: {
    summary: 'keep log and artifacts of jobs, whatever the retention of the daemon says',
    positionals: { jobs: { kind: 'jobs', required: true, describe: 'ids of jobs' } },
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/pin.js'),
  },
  unpin: {
    summary: 'let log and artifacts of jobs go in their time',
    positionals: { jobs: { kind: 'jobs', required: true, describe: 'ids of jobs' } },
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/unpin.js'),
  },
  retry: {
    summary: 'queue a job again that has ended and print the new id',
    positionals: { job },
    options: { ...o.waiting, ...o.quiet, ...o.daemon },
    load: (): Promise<CommandModule> => import('./commands/retry.js'),
  },
  fetch: {
    summary: 'get the artifacts of a job',
    positionals: { job },
    options: {
      output: { kind: 'text', short: 'o', value: 'DIR', describe: 'where to unpack them', byDefault: 'artifacts-JOB' },
      list: { kind: 'flag', describe: 'only show what they are' },
      ...o.daemon,
    },
    load: (): Promise<CommandModule> => import('./commands/fetch.js'),
  },
  work: {
    summary: 'run jobs on this machine',
    options: {
      ...o.work,
      user: o.daemon.user,
      config: { kind: 'text', value: 'FILE', describe: 'configuration file', byDefault: 'JANKINS_CONFIG' },
      ...o.json,
    },
    load: (): Promise<CommandModule> => import('./commands/work.js'),
  },
  watch: {
    summary: 'show running and waiting jobs and the workers, live; without a terminal a line for each change',
    options: {
      every: {
        kind: 'duration',
        value: 'TIME',
        min: 200,
        max: 3_600_000,
        bareSeconds: true,
        describe: 'how often to look',
        byDefault: '1s',
      },
      ...o.daemon,
    },
    load: (): Promise<CommandModule> => import('./commands/watch.js'),
  },
  workers: {
    summary: 'show the workers',
    options: { ...o.listing(WORKER_COLUMNS), ...o.daemon },
    load: (): Promise<CommandModule> => import('./commands/workers.js'),
  },
  completion: {
    summary: 'print what a shell reads to complete this command line; behind -- stands what has been typed',
    positionals: { shell: { kind: 'choice', values: SHELLS, required: true, describe: SHELLS.join(', ') } },
    options: { server: o.daemon.server, user: o.daemon.user, profile: o.daemon.profile },
    rest: { value: '[WORD...]', describe: 'words that have been typed; the last one is to be completed' },
    load: (): Promise<CommandModule> => import('./commands/completion.js'),
  },
  status: {
    summary: 'show what the daemon is doing',
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/status.js'),
  },
} as const satisfies Readonly<Record<string, CommandSpec>>

export type CommandName = keyof typeof COMMANDS
/** What `run` of a command gets. */
export type ArgsOf<C extends CommandName> = ArgsOfSpec<(typeof COMMANDS)[C]>
