import type { CommandModule, CommandSpec } from './command.js'
import * as o from './options.js'

const action = { kind: 'name', of: 'action', required: true, describe: 'name of an action' } as const
const name = { kind: 'text', required: true, describe: 'name of the variable' } as const

/** What jobs are given and nobody is shown: rows of the table of commands, commands.ts. */
export const SECRET_COMMANDS = {
  'secret set': {
    summary: 'give the jobs of an action a variable that nobody is shown; its value comes on stdin',
    positionals: { action, name },
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/secret-set.js'),
  },
  'secret list': {
    summary: 'show the names of the secrets of an action',
    positionals: { action },
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/secret-list.js'),
  },
  'secret remove': {
    summary: 'take a secret from an action',
    positionals: { action, name },
    options: o.daemon,
    load: (): Promise<CommandModule> => import('./commands/secret-remove.js'),
  },
} as const satisfies Readonly<Record<string, CommandSpec>>
