import type { Grant } from '../../protocol/views.js'
import type { Cookie } from './ports.js'

export type Environment = Readonly<Record<string, string>>
/** Names and values. */
export type Secrets = readonly (readonly [string, string])[]

/** Of the worker's own environment a job sees these and nothing else: no password, token or agent of the account. */
const PASSED = ['PATH', 'HOME', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'SHELL', 'USER', 'LOGNAME']
const PASSED_PATTERN = /^LC_[A-Z]+$/
/** The cookie of a job in which this worker itself runs: that job's end must find this worker's jobs too. */
const OUTER_COOKIE = /^JANKINS_COOKIE_[0-9a-f]+$/

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin'

/** @param random hex digits that nobody can guess */
export const newCookie = (random: (bytes: number) => string): Cookie => ({
  name: `JANKINS_COOKIE_${random(4)}`,
  value: random(16),
})

/**
 * What a job is started with: the worker's PATH and the like, then the action's, the parameters, the secrets, and ours
 * last.
 */
export function environmentOf(
  grant: Grant,
  cookie: Cookie,
  dirs: { readonly workspace: string; readonly artifacts: string },
  workerEnvironment: Readonly<Record<string, string | undefined>>,
  secrets: Secrets,
): Environment {
  // No prototype: a variable may be called __proto__.
  const environment: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(workerEnvironment))
    if (value !== undefined && (PASSED.includes(name) || PASSED_PATTERN.test(name) || OUTER_COOKIE.test(name)))
      environment[name] = value
  environment.PATH ??= DEFAULT_PATH
  environment.CI = 'true'
  for (const [name, value] of [...grant.environment, ...secrets])
    if (!OUTER_COOKIE.test(name)) environment[name] = value
  environment.JANKINS_JOB = String(grant.job)
  environment.JANKINS_ATTEMPT = String(grant.attempt)
  if (grant.action === undefined) delete environment.JANKINS_ACTION
  else environment.JANKINS_ACTION = grant.action
  environment.JANKINS_WORKSPACE = dirs.workspace
  environment.JANKINS_ARTIFACTS = dirs.artifacts
  environment[cookie.name] = cookie.value
  return environment
}

/** Its tools, and the cookie of a job in which this worker itself runs: the guard ends with that job too. */
export const environmentOfGuard = (workerEnvironment: Readonly<Record<string, string | undefined>>): Environment =>
  Object.fromEntries([
    ['PATH', workerEnvironment.PATH ?? DEFAULT_PATH],
    ...Object.entries(workerEnvironment).flatMap(([name, value]): [string, string][] =>
      value !== undefined && OUTER_COOKIE.test(name) ? [[name, value]] : [],
    ),
  ])
