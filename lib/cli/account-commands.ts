import { INVITE_COLUMNS, USER_COLUMNS } from './columns.js'
import type { CommandModule, CommandSpec } from './command.js'
import * as o from './options.js'

const account = { kind: 'name', of: 'account', required: true, describe: 'name of an account' } as const

/** Who may do what, and who did: rows of the table of commands, commands.ts. */
export const ACCOUNT_COMMANDS = {
  login: {
    summary: 'keep the keys of an account for a daemon, and how it is known',
    positionals: { target: { kind: 'text', describe: 'HOST, HOST:PORT, USER@HOST or USER; else --server and --user' } },
    options: { ...o.loginPassword, ...o.trust, ...o.identity, ...o.daemon },
    load: (): Promise<CommandModule> => import('./commands/login.js'),
  },
  logout: {
    summary: 'forget the keys that login keeps',
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/logout.js'),
  },
  whoami: {
    summary: 'show which account this is, and where',
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/whoami.js'),
  },
  ping: {
    summary: 'measure the way to the daemon: round trip, versions, clocks',
    options: {
      count: { kind: 'integer', value: 'N', min: 1, max: 1_000, describe: 'round trips', byDefault: '3' },
      ...o.daemon,
    },
    load: (): Promise<CommandModule> => import('./commands/ping.js'),
  },
  passwd: {
    summary: 'change the own password, or as admin that of another account',
    positionals: { name: { kind: 'name', of: 'account', describe: 'the account; the own one by default' } },
    options: { ...o.password, ...o.daemon },
    load: (): Promise<CommandModule> => import('./commands/passwd.js'),
  },
  'users list': {
    summary: 'show the accounts',
    options: { ...o.listing(USER_COLUMNS), ...o.daemon },
    load: (): Promise<CommandModule> => import('./commands/users-list.js'),
  },
  'users add': {
    summary: 'make an account',
    positionals: { name: account },
    options: {
      ...o.account,
      ...o.password,
      ...o.generatedPassword,
      ...o.daemon,
    },
    load: (): Promise<CommandModule> => import('./commands/users-add.js'),
  },
  'users disable': {
    summary: 'let an account log in no more: its connections end, its workers’ jobs are stopped',
    positionals: { name: account },
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/users-disable.js'),
  },
  'users enable': {
    summary: 'let an account log in, again or after it was registered',
    positionals: { name: account },
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/users-enable.js'),
  },
  'users delete': {
    summary: 'disable an account for ever: its name stays and is not given again',
    positionals: { name: account },
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/users-delete.js'),
  },
  'users rotate': {
    summary: 'give an account a new random password, print it, and end its connections',
    positionals: { name: account },
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/users-rotate.js'),
  },
  invite: {
    summary: 'print a token with which one account can be registered',
    options: { ...o.invitation, ...o.daemon },
    load: (): Promise<CommandModule> => import('./commands/invite.js'),
  },
  'invites list': {
    summary: 'show the invitations and what became of them',
    options: { ...o.listing(INVITE_COLUMNS), ...o.daemon },
    load: (): Promise<CommandModule> => import('./commands/invites-list.js'),
  },
  'invites revoke': {
    summary: 'let an invitation hold no more',
    positionals: { id: { kind: 'invite', required: true, describe: 'id of an invitation' } },
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/invites-revoke.js'),
  },
  register: {
    summary: 'make an account by an invitation, and keep its keys as login does',
    positionals: { name: { kind: 'name', required: true, describe: 'name of the new account' } },
    options: {
      invite: { kind: 'text', value: 'TOKEN', describe: 'what jankins invite printed', byDefault: 'JANKINS_INVITE' },
      ...o.password,
      generate: { kind: 'flag', describe: 'a random password that nobody is told: its keys are kept' },
      ...o.trust,
      server: o.daemon.server,
      ...o.json,
    },
    load: (): Promise<CommandModule> => import('./commands/register.js'),
  },
  'audit verify': {
    summary: 'check that no line of the audit log was changed or removed, on the machine of the daemon',
    positionals: { file: { kind: 'text', describe: 'one file of it, or a copy' } },
    options: {
      data: { kind: 'text', value: 'DIR', describe: 'the data directory', byDefault: '$STATE_DIRECTORY or ./data' },
      ...o.json,
    },
    load: (): Promise<CommandModule> => import('./commands/audit-verify.js'),
  },
} as const satisfies Readonly<Record<string, CommandSpec>>
