/**
 * Everything that a peer may choose has a limit here. `doc` feeds the table of PROTOCOL.md §10.
 * Sizes are bytes, times ms unless the name says otherwise.
 */
const KIB = 1024
const MIB = 1024 * KIB
const DAY_MS = 86_400_000

/** A connected worker beats this often, idle or not: a constant of the protocol. */
export const HEARTBEAT_MS = 500
/** After this many missed beats people see a worker as suspect and a parked claim of it is passed over. */
export const BEATS_MISSED_MAX = 3

export const LIMITS = {
  frameBytesBeforeAuth: { value: 16 * KIB, doc: 'largest frame before the session is ready' },
  frameBytesMin: { value: 64 * KIB, doc: 'smallest value of `buffer`' },
  frameBytesDefault: { value: MIB, doc: 'default of `buffer`: largest frame that is received after authentication' },
  frameBytesMax: { value: 64 * MIB, doc: 'largest value of `buffer`' },
  replyBytesMax: { value: MIB, doc: 'largest frame that the daemon sends; no page or chunk makes a larger one' },
  depthMax: { value: 32, doc: 'nesting of maps and arrays in one frame' },
  nodesMax: { value: 65_536, doc: 'values (map keys count) in one frame' },
  chunkBytesMax: { value: 256 * KIB, doc: 'bytes of a log, artifact or bundle in one request or reply' },
  smallLogBytesMax: { value: 32 * KIB, doc: 'bytes of each stream that may ride in job.finish' },
  pageRowsMax: { value: 100, doc: 'rows in one page of a list' },
  pageVisitedMax: {
    value: 1_000,
    doc: 'rows that one page looks at; a page may be short or empty and still have a next one',
  },
  pipelinedMax: { value: 64, doc: 'requests of one connection that are not answered yet' },
  waitMsMax: { value: 60_000, doc: 'longest time that a request may stay parked' },
  requestKeyMs: { value: DAY_MS, doc: 'how long a request key is remembered' },
  jobsPerQueueMax: { value: 1_000, doc: 'jobs made by one job.queue' },
  nameBytesMax: { value: 64, doc: 'names of users, actions, workers and labels' },
  labelsMax: { value: 32, doc: 'labels of an action or a worker' },
  commandArgsMax: { value: 1_000, doc: 'arguments of a command' },
  commandBytesMax: { value: 64 * KIB, doc: 'one argument of a command, or a script' },
  environmentMax: { value: 256, doc: 'environment variables of an action, parameters of a job' },
  environmentNameBytesMax: { value: 128, doc: 'name of an environment variable or parameter' },
  environmentValueBytesMax: { value: 32 * KIB, doc: 'value of an environment variable or parameter' },
  definitionBytesMax: { value: 256 * KIB, doc: 'texts of one action, or of one job.exec, in all' },
  parametersBytesMax: { value: 256 * KIB, doc: 'names and values of the parameters of one job in all' },
  viewTextBytesMax: { value: 4 * KIB, doc: 'command, and parameters, of a job in a list; what is longer is cut' },
  artifactGlobsMax: { value: 64, doc: 'artifact patterns of an action' },
  pathBytesMax: { value: 4_096, doc: 'a path or an artifact pattern' },
  leaseMsMin: { value: 3_000, doc: 'shortest lease' },
  leaseMsDefault: { value: 60_000, doc: 'lease of an action that sets none' },
  leaseMsMax: { value: DAY_MS, doc: 'longest lease' },
  leaseMarginMs: {
    value: 5_000,
    doc: 'what the daemon adds before it calls a lease lost: guard period, kill and scan',
  },
  leasesMax: { value: 65_536, doc: 'jobs running at once on one daemon' },
  grantMs: { value: 5_000, doc: 'time to acknowledge a grant before the job goes to another worker' },
  timeLimitMsMax: { value: 30 * DAY_MS, doc: 'longest time limit of an action' },
  graceMsDefault: { value: 10_000, doc: 'time between SIGTERM and SIGKILL for an action that sets none' },
  graceMsMax: { value: 3_600_000, doc: 'longest time between SIGTERM and SIGKILL' },
  priorityMax: { value: 1_000, doc: 'priorities go from -1000 to 1000; higher runs first, default 0' },
  retriesMax: { value: 100, doc: 'new attempts after TIMEOUT' },
  runningMax: { value: 10_000, doc: 'largest max-running of an action' },
  logLimitBytesDefault: { value: 1024 * MIB, doc: 'log limit of an action that sets none, both streams together' },
  logLimitBytesMax: { value: 1024 * 1024 * MIB, doc: 'largest log limit' },
  artifactBytesMax: { value: 1024 * 1024 * MIB, doc: 'largest archive of artifacts' },
  bundleBytesMax: { value: 32 * MIB, doc: 'largest bundle that travels with a job' },
  slotsMax: { value: 1_000, doc: 'jobs that one worker runs at once' },
  workersMax: { value: 20_000, doc: 'workers that a daemon remembers' },
  claimsParkedMax: { value: 20_000, doc: 'parked claims on one daemon' },
  waitersMax: { value: 20_000, doc: 'parked job.wait and job.log requests on one daemon' },
  allowMax: { value: 64, doc: 'whom an action lets queue its jobs' },
  inviteMsMin: { value: 60_000, doc: 'shortest time that an invitation holds' },
  inviteMsDefault: { value: DAY_MS, doc: 'how long an invitation holds that says nothing else' },
  inviteMsMax: { value: 30 * DAY_MS, doc: 'longest time that an invitation holds' },
  invitesOpenMax: { value: 10_000, doc: 'invitations that hold at once' },
  scramIterationsMin: { value: 4_096, doc: 'fewest PBKDF2 rounds that either side accepts' },
  scramIterationsDefault: { value: 250_000, doc: 'PBKDF2 rounds of a new password' },
  scramIterationsMax: { value: 10_000_000, doc: 'most PBKDF2 rounds that either side accepts' },
  handshakeMs: { value: 5_000, doc: 'time from connection to authentication' },
} as const

export type LimitName = keyof typeof LIMITS
