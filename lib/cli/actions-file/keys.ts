import type { Specs } from '../command.js'
import * as o from '../options.js'

const { script: _, ...options } = o.definition

/** What may be said of an action in a file: the options of add-action by the same names, and with the same values. */
export const ACTION_KEYS: Specs = { ...options, ...o.action }

/** What it runs, exactly one of them: argv as a list, or the text of a shell script. */
export const WHAT_KEYS = ['command', 'script'] as const

/** Whether its jobs may be queued and start; left as it is when missing. */
export const ACTIVE_KEY = 'active'
