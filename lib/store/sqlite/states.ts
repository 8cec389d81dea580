import type { JobStateName } from '../../../protocol/fields.js'

/** The rows of job_states. The indexes of jobs name 1 and 3. */
export const STATE_NUMBERS: Readonly<Record<JobStateName, number>> = {
  PENDING: 1,
  RUNNING: 2,
  COMPLETE: 3,
  TIMEOUT: 4,
  CANCELLED: 5,
}

const NAMES = Object.entries(STATE_NUMBERS).reduce<JobStateName[]>((names, [name, number]) => {
  names[number] = name as JobStateName
  return names
}, [])

export const stateName = (number: number): JobStateName => NAMES[number] as JobStateName
