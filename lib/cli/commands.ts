import { JOB_STATES } from '../../protocol/fields.js'
import { LIMITS } from '../../protocol/limits.js'
import type { ArgsOf as ArgsOfSpec, CommandModule, CommandSpec } from './command.js'
import * as o from './options.js'

const action = { kind: 'name', required: true, describe: 'name of an action' } as const
const account = { kind: 'name', required: true, describe: 'name of an account' } as const
const job = { kind: 'job', required: true, describe: 'id of a job' } as const
const command = { value: 'CMD [ARG...]', describe: 'what to run, without a shell' } as const

/** The one table of the command line: parser, help, completion and tests follow from it. A module is read when named. */
export const COMMANDS = {
  login: {
    summary: 'keep the keys of an account for a daemon, and how it is known',
    positionals: { place: { kind: 'text', describe: 'HOST, HOST:PORT, USER@HOST or USER; else --server and --user' } },
    options: { ...o.loginPassword, ...o.trust, ...o.daemon },
    load: (): Promise<CommandModule> => import('./commands/login.js'),
  },
  passwd: {
    summary: 'change the own password, or as admin that of another account',
    positionals: { name: { kind: 'name', describe: 'the account; the own one by default' } },
    options: { ...o.password, ...o.daemon },
    load: (): Promise<CommandModule> => import('./commands/passwd.js'),
  },
  'users list': {
    summary: 'show the accounts',
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/users-list.js'),
  },
  'users add': {
    summary: 'make an account',
    positionals: { name: account },
    options: {
      ...o.account,
      ...o.password,
      generate: { kind: 'flag', describe: 'make a random password and print it, once' },
      ...o.daemon,
    },
    load: (): Promise<CommandModule> => import('./commands/users-add.js'),
  },
  'users disable': {
    summary: 'let an account log in no more',
    positionals: { name: account },
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/users-disable.js'),
  },
  'users enable': {
    summary: 'let an account log in again',
    positionals: { name: account },
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/users-enable.js'),
  },
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
    positionals: { names: { kind: 'texts', describe: 'only these actions' } },
    options: { server: o.daemon.server, user: o.daemon.user },
    load: (): Promise<CommandModule> => import('./commands/export.js'),
  },
  actions: {
    summary: 'show the actions, or one in full',
    positionals: { name: { kind: 'name', describe: 'only this one' } },
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/actions.js'),
  },
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
      ...o.daemon,
    },
    load: (): Promise<CommandModule> => import('./commands/queue.js'),
  },
  run: {
    summary: 'queue a job, print its log as it comes, exit as it does',
    positionals: { name: action },
    options: { ...o.parameters, ...o.files, ...o.priority, ...o.daemon },
    load: (): Promise<CommandModule> => import('./commands/run.js'),
  },
  exec: {
    summary: 'queue a job without an action and print its id',
    options: { ...o.definition, ...o.files, ...o.waiting, ...o.daemon },
    rest: command,
    load: (): Promise<CommandModule> => import('./commands/exec.js'),
  },
  query: {
    summary: 'show jobs, newest first, or one in full',
    positionals: { jobs: { kind: 'jobs', describe: 'only these' } },
    options: {
      state: { kind: 'choice', values: JOB_STATES, describe: 'only jobs in this state' },
      action: { kind: 'name', value: 'NAME', describe: 'only jobs of this action' },
      // The filter takes the place of the account here: JANKINS_USER or the last login say who asks.
      user: { kind: 'name', value: 'NAME', describe: 'only jobs that this account queued' },
      worker: { kind: 'name', value: 'NAME', describe: 'only jobs that ran or run on this worker' },
      pid: { kind: 'integer', value: 'N', min: 1, max: 2 ** 31, describe: 'only jobs whose shell has or had this pid' },
      limit: { kind: 'integer', value: 'N', min: 1, max: 2 ** 53 - 1, describe: 'at most so many', byDefault: '20' },
      all: { kind: 'flag', describe: 'without a limit' },
      server: o.daemon.server,
      ...o.json,
    },
    load: (): Promise<CommandModule> => import('./commands/query.js'),
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
  retry: {
    summary: 'queue a job again that has ended and print the new id',
    positionals: { job },
    options: o.daemon,
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
      name: { kind: 'name', value: 'NAME', describe: 'name of the worker', byDefault: 'the host name' },
      dir: { kind: 'text', value: 'DIR', describe: 'state directory', byDefault: '$XDG_STATE_HOME/jankins/NAME' },
      labels: { kind: 'names', value: 'A,B', describe: 'labels that actions may ask for' },
      jobs: {
        kind: 'integer',
        value: 'N',
        min: 1,
        max: LIMITS.slotsMax.value,
        describe: 'jobs at once',
        byDefault: '1',
      },
      once: { kind: 'flag', describe: 'run at most one job; exit 5 when there was none' },
      wait: { kind: 'flag', describe: 'with --once: wait until there is one' },
      poll: {
        kind: 'duration',
        value: 'TIME',
        min: 0,
        max: 86_400_000,
        bareSeconds: true,
        describe: 'stay disconnected between asks',
      },
      server: { kind: 'addresses', value: 'HOST:PORT', describe: 'a daemon to work for; may be repeated' },
      user: o.daemon.user,
      config: { kind: 'text', value: 'FILE', describe: 'configuration file', byDefault: 'JANKINS_CONFIG' },
      ...o.json,
    },
    load: (): Promise<CommandModule> => import('./commands/work.js'),
  },
  workers: {
    summary: 'show the workers',
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/workers.js'),
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
