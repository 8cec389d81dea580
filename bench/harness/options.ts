import { parseArgs } from 'node:util'

export interface Options {
  readonly names: readonly string[]
  readonly rounds: number
  /** Of load in one round. */
  readonly seconds: number | undefined
  readonly json: boolean
  readonly save: boolean
  readonly compare: boolean
  /** Only jankins, or only the subjects whose names contain this. */
  readonly only: string | undefined
  /** Busy loops that run beside each round. */
  readonly hogs: number
}

export const USAGE = `npm run bench -- [NAME...] [--rounds N] [--seconds N] [--only SUBJECT] [--json] [--save] [--compare]`

/** @throws Error for what is no option, or no number */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string' },
      only: { type: 'string' },
      json: { type: 'boolean', default: false },
      save: { type: 'boolean', default: false },
      compare: { type: 'boolean', default: false },
    },
  })
  const { rounds, seconds, only, json, save, compare } = values
  return {
    ...{ names: positionals, only, json, save, compare },
    rounds: positive('--rounds', rounds),
    seconds: seconds === undefined ? undefined : positive('--seconds', seconds),
    hogs: Number(process.env.HOGS || 0),
  }
}

function positive(flag: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`${flag} must be a number above 0: ${USAGE}`)
  return value
}
