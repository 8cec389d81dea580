import type { COMMANDS } from '../lib/cli/commands.js'
import type { daemon } from '../lib/cli/options.js'

export function manPages(sources: {
  readonly COMMANDS: typeof COMMANDS
  readonly daemon: typeof daemon
  readonly USAGE: string
  readonly conf: string
  readonly version: string
}): Record<string, string>
