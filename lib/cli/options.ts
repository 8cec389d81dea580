import { ROLES } from '../../protocol/fields.js'
import { LIMITS } from '../../protocol/limits.js'
import type { Specs } from './command.js'

/** Options that several commands share, as plain data. */
export const json = {
  json: { kind: 'flag', describe: 'print one JSON object per line, with the field names of the wire' },
} as const satisfies Specs

/** Which daemon, and as whom. */
export const daemon = {
  server: {
    kind: 'address',
    value: 'HOST:PORT',
    describe: 'the daemon',
    byDefault: 'JANKINS_SERVER, or 127.0.0.1:5265',
  },
  user: { kind: 'name', value: 'NAME', describe: 'the account', byDefault: 'JANKINS_USER, or that of the last login' },
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
  script: { kind: 'text', value: 'FILE', describe: 'a shell script to run, in place of a command after --' },
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
  with: { kind: 'text', value: 'DIR', describe: 'send the files of a directory along, into the job’s workspace' },
} as const satisfies Specs

export const priority = {
  priority: { ...definition.priority, byDefault: 'that of the action' },
} as const satisfies Specs

export const waiting = {
  wait: { kind: 'flag', describe: 'return when the job has ended, and exit as it did' },
  follow: { kind: 'flag', describe: 'print the log until the job has ended, and exit as it did' },
} as const satisfies Specs

export const password = {
  'password-file': { kind: 'text', value: 'FILE', describe: 'read the new password from a file; - is stdin' },
} as const satisfies Specs

export const loginPassword = {
  'password-file': { kind: 'text', value: 'FILE', describe: 'read the password from a file; - is stdin' },
} as const satisfies Specs

export const trust = {
  fingerprint: {
    kind: 'text',
    value: 'SHA256:...',
    describe: 'trust the daemon that shows this certificate, as jankinsd printed it at its start',
  },
  ca: { kind: 'text', value: 'FILE', describe: 'trust a daemon whose certificate an authority in FILE has signed' },
  plaintext: { kind: 'flag', describe: 'talk to this daemon although everything can be read on the way' },
  cert: { kind: 'text', value: 'FILE', describe: 'log in by this certificate, without a password' },
  key: { kind: 'text', value: 'FILE', describe: 'the key of --cert' },
} as const satisfies Specs

export const account = {
  role: { kind: 'choice', values: ROLES, describe: 'what the account may do', byDefault: 'user' },
  exec: { kind: 'flag', describe: 'it may use jankins exec without being admin' },
} as const satisfies Specs
