import { INVITED_ROLES, JOB_STATES, ROLES } from '../../protocol/fields.js'
import { LIMITS } from '../../protocol/limits.js'
import type { Specs } from './command.js'

/** Options that several commands share, as plain data. */
export const json = {
  json: { kind: 'flag', describe: 'print one JSON object per line, with the field names of the wire' },
} as const satisfies Specs

/** Which jobs. */
export const filters = {
  state: { kind: 'choice', values: JOB_STATES, describe: 'only jobs in this state' },
  action: { kind: 'name', of: 'action', value: 'NAME', describe: 'only jobs of this action' },
  // The filter takes the place of the account here: JANKINS_USER or the last login say who asks.
  user: { kind: 'name', of: 'account', value: 'NAME', describe: 'only jobs that this account queued' },
  worker: { kind: 'name', of: 'worker', value: 'NAME', describe: 'only jobs that ran or run on this worker' },
  pid: { kind: 'integer', value: 'N', min: 1, max: 2 ** 31, describe: 'only jobs whose shell has or had this pid' },
  label: { kind: 'name', value: 'NAME', describe: 'only jobs that need this label' },
  'exit-code': { kind: 'integer', value: 'N', min: 0, max: 255, describe: 'only jobs that exited like this' },
  since: { kind: 'time', value: 'TIME', describe: 'only jobs queued since then: a date, or 2h for so long ago' },
  until: { kind: 'time', value: 'TIME', describe: 'only jobs queued before then' },
  text: { kind: 'text', value: 'TEXT', describe: 'only jobs with this text in a parameter, as NAME=VALUE' },
} as const satisfies Specs

/** What a list shows of each row. @param values what --columns may name */
export const listing = <const V extends readonly string[]>(values: V) =>
  ({
    columns: { kind: 'choices', values, value: 'A,B', describe: `only these, in this order` },
    wide: { kind: 'flag', describe: 'all columns, nothing cut, exact times' },
    quiet: { kind: 'flag', short: 'q', describe: 'only ids or names, one per line' },
  }) as const satisfies Specs

/** Which daemon, and as whom. */
export const daemon = {
  server: {
    kind: 'address',
    value: 'HOST:PORT',
    describe: 'the daemon',
    byDefault: 'JANKINS_SERVER, or 127.0.0.1:5265',
  },
  user: { kind: 'name', value: 'NAME', describe: 'the account', byDefault: 'JANKINS_USER, or that of the last login' },
  profile: {
    kind: 'name',
    value: 'NAME',
    describe: 'a login that was kept under a name',
    byDefault: 'JANKINS_PROFILE',
  },
  ...json,
} as const satisfies Specs

export const definition = {
  env: { kind: 'pairs', value: 'KEY=VALUE', describe: 'a variable of the job’s environment; may be repeated' },
  dir: { kind: 'text', value: 'DIR', describe: 'directory on the worker to run in', byDefault: 'a fresh workspace' },
  labels: { kind: 'names', value: 'A,B', describe: 'labels that a worker must have' },
  timeout: {
    kind: 'duration',
    value: 'TIME',
    min: 1,
    max: LIMITS.timeLimitMsMax.value,
    describe: 'stop the job after this: it ends as TIMEOUT',
    byDefault: 'none',
  },
  lease: {
    kind: 'duration',
    value: 'TIME',
    min: LIMITS.leaseMsMin.value,
    max: LIMITS.leaseMsMax.value,
    describe: 'how long the job goes on without contact to the daemon',
    byDefault: '60s',
  },
  grace: {
    kind: 'duration',
    value: 'TIME',
    min: 0,
    max: LIMITS.graceMsMax.value,
    describe: 'between SIGTERM and SIGKILL when the job is stopped',
    byDefault: '10s',
  },
  priority: {
    kind: 'integer',
    value: 'N',
    min: -LIMITS.priorityMax.value,
    max: LIMITS.priorityMax.value,
    describe: 'higher runs first',
    byDefault: '0',
  },
  retries: {
    kind: 'integer',
    value: 'N',
    min: 0,
    max: LIMITS.retriesMax.value,
    describe: 'new attempts after TIMEOUT',
    byDefault: '0',
  },
  artifact: { kind: 'texts', value: 'GLOB', describe: 'files in the workspace to keep; may be repeated' },
  stderr: {
    kind: 'choice',
    values: ['apart', 'merge'],
    describe: 'merge: into stdout, in the order written',
    byDefault: 'apart',
  },
  'log-limit': {
    kind: 'size',
    value: 'SIZE',
    min: 1,
    max: LIMITS.logLimitBytesMax.value,
    describe: 'most bytes of log, both streams together',
    byDefault: '1GiB',
  },
  'on-log-limit': {
    kind: 'choice',
    values: ['cut', 'stop'],
    describe: 'beyond it: keep head and tail, or stop the job',
    byDefault: 'cut',
  },
  script: {
    kind: 'text',
    of: 'file',
    value: 'FILE',
    describe: 'a shell script to run, in place of a command after --',
  },
} as const satisfies Specs

/** What an action has beside the definition of its jobs. */
export const action = {
  'max-running': {
    kind: 'integer',
    value: 'N',
    min: 1,
    max: LIMITS.runningMax.value,
    describe: 'most jobs of it running at once',
    byDefault: 'no limit',
  },
  allow: {
    kind: 'texts',
    value: 'WHOM',
    describe: 'user:NAME or role:user, who may queue jobs of it beside admins; may be repeated',
    byDefault: 'all users',
  },
} as const satisfies Specs

export const parameters = {
  param: {
    kind: 'pairs',
    short: 'p',
    value: 'KEY=VALUE',
    describe: 'a parameter, in the environment of the job; may be repeated',
  },
} as const satisfies Specs

export const files = {
  with: {
    kind: 'text',
    of: 'file',
    value: 'DIR',
    describe: 'send the files of a directory along, into the job’s workspace',
  },
} as const satisfies Specs

export const priority = {
  priority: { ...definition.priority, byDefault: 'that of the action' },
} as const satisfies Specs

export const quiet = {
  quiet: { kind: 'flag', short: 'q', describe: 'no word and no progress beside the output' },
} as const satisfies Specs

export const waiting = {
  wait: { kind: 'flag', describe: 'return when the job has ended, and exit as it did' },
  follow: { kind: 'flag', short: 'f', describe: 'print the log until the job has ended, and exit as it did' },
} as const satisfies Specs

export const password = {
  'password-file': {
    kind: 'text',
    of: 'file',
    value: 'FILE',
    describe: 'read the new password from a file; - is stdin',
  },
} as const satisfies Specs

export const loginPassword = {
  'password-file': { kind: 'text', of: 'file', value: 'FILE', describe: 'read the password from a file; - is stdin' },
} as const satisfies Specs

export const generatedPassword = {
  generate: { kind: 'flag', describe: 'make a random password and print it, once' },
} as const satisfies Specs

export const invitation = {
  role: { kind: 'choice', values: INVITED_ROLES, describe: 'of the account', byDefault: 'worker' },
  expires: {
    kind: 'duration',
    value: 'TIME',
    min: LIMITS.inviteMsMin.value,
    max: LIMITS.inviteMsMax.value,
    describe: 'how long it holds',
    byDefault: '24h',
  },
} as const satisfies Specs

export const trust = {
  fingerprint: {
    kind: 'text',
    value: 'SHA256:...',
    describe: 'trust the daemon that shows this certificate, as jankinsd printed it at its start',
  },
  ca: { kind: 'text', value: 'FILE', describe: 'trust a daemon whose certificate an authority in FILE has signed' },
  plaintext: { kind: 'flag', describe: 'talk to this daemon although everything can be read on the way' },
} as const satisfies Specs

export const identity = {
  cert: { kind: 'text', value: 'FILE', describe: 'log in by this certificate, without a password' },
  key: { kind: 'text', value: 'FILE', describe: 'the key of --cert' },
} as const satisfies Specs

export const account = {
  role: { kind: 'choice', values: ROLES, describe: 'what the account may do', byDefault: 'user' },
  exec: { kind: 'flag', describe: 'it may use jankins exec without being admin' },
} as const satisfies Specs

/** How a worker works, and for whom. */
export const work = {
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
  drain: {
    kind: 'name',
    of: 'worker',
    value: 'NAME',
    describe: 'let the worker of this name get no new job; wait until it is idle',
  },
  undrain: { kind: 'name', of: 'worker', value: 'NAME', describe: 'let the worker of this name get jobs again' },
  server: { kind: 'addresses', value: 'HOST:PORT', describe: 'a daemon to work for; may be repeated' },
} as const satisfies Specs
