/**
 * Everything that a peer may choose has a limit here. `doc`, `beyond` (what happens then) and `key` (of jankins.conf,
 * where the value is only its default) feed the table of PROTOCOL.md §10. Sizes are bytes, times ms unless the name
 * says otherwise.
 */
const KIB = 1024
const MIB = 1024 * KIB
const DAY_MS = 86_400_000

/** A connected worker beats this often, idle or not: a constant of the protocol. */
export const HEARTBEAT_MS = 500
/** After this many missed beats people see a worker as suspect and a parked claim of it is passed over. */
export const BEATS_MISSED_MAX = 3

const FIELD = '`E_BAD_REQUEST`'
const MANY = '`E_TOO_MANY`'
const END = 'the connection ends'
const FRAME = `\`E_BAD_FRAME\`, ${END}`
const LARGE = `\`E_FRAME_TOO_LARGE\`, ${END}`
const REFUSED = `${MANY}, ${END}`
const THROTTLED = '`E_THROTTLED`'
const CONFIG = 'the daemon does not start'
const NONE = ''

interface Limit {
  readonly value: number
  readonly beyond: string
  readonly doc: string
  readonly key?: string
}

export const LIMITS = {
  frameBytesBeforeAuth: { value: 16 * KIB, beyond: LARGE, doc: 'largest frame before the session is ready' },
  frameBytesMin: { value: 64 * KIB, beyond: CONFIG, doc: 'smallest value of `buffer`' },
  frameBytesDefault: {
    value: MIB,
    beyond: LARGE,
    doc: 'largest frame that is received after authentication',
    key: 'buffer',
  },
  frameBytesMax: { value: 64 * MIB, beyond: CONFIG, doc: 'largest value of `buffer`' },
  replyBytesMax: {
    value: MIB,
    beyond: 'the reply has fewer rows or bytes',
    doc: 'largest frame that the daemon sends; no page or chunk makes a larger one',
  },
  depthMax: { value: 32, beyond: FRAME, doc: 'nesting of maps and arrays in one frame' },
  nodesMax: { value: 65_536, beyond: FRAME, doc: 'values (map keys count) in one frame' },
  chunkBytesMax: {
    value: 960 * KIB,
    beyond: FIELD,
    doc: 'bytes of a log, artifact or bundle in one request or reply; `chunkBytesMax` of auth.finish tells a client',
  },
  chunkBytesMin: {
    value: 256 * KIB,
    beyond: NONE,
    doc: 'as many every daemon takes and gives, also one that does not tell',
  },
  undurableBytesMax: {
    value: 16 * MIB,
    beyond: 'the daemon makes it durable, and takes more meanwhile',
    doc: 'bytes of a part that are stored and that a power loss could take',
  },
  smallLogBytesMax: { value: 32 * KIB, beyond: FIELD, doc: 'bytes of each stream that may ride in job.finish' },
  pageRowsMax: { value: 100, beyond: FIELD, doc: 'rows in one page of a list' },
  pageVisitedMax: {
    value: 1_000,
    beyond: 'the reply has fewer rows or bytes',
    doc: 'rows that one page looks at; a page may be short or empty and still have a next one',
  },
  pipelinedMax: {
    value: 64,
    beyond: 'reads no further until one is answered',
    doc: 'requests of one connection that are not answered yet',
  },
  waitMsMax: { value: 60_000, beyond: FIELD, doc: 'longest time that a request may stay parked' },
  requestKeyMs: {
    value: DAY_MS,
    beyond: 'a request with this key counts as a new one',
    doc: 'how long a request key is remembered',
  },
  jobsPerQueueMax: { value: 1_000, beyond: FIELD, doc: 'jobs made by one job.queue' },
  nameBytesMax: { value: 64, beyond: FIELD, doc: 'names of users, actions, workers and labels' },
  labelsMax: { value: 32, beyond: FIELD, doc: 'labels of an action or a worker' },
  commandArgsMax: { value: 1_000, beyond: FIELD, doc: 'arguments of a command' },
  commandBytesMax: { value: 64 * KIB, beyond: FIELD, doc: 'one argument of a command, or a script' },
  environmentMax: { value: 256, beyond: FIELD, doc: 'environment variables of an action, parameters of a job' },
  environmentNameBytesMax: { value: 128, beyond: FIELD, doc: 'name of an environment variable or parameter' },
  environmentValueBytesMax: { value: 32 * KIB, beyond: FIELD, doc: 'value of an environment variable or parameter' },
  definitionBytesMax: { value: 256 * KIB, beyond: FIELD, doc: 'texts of one action, or of one job.exec, in all' },
  parametersBytesMax: { value: 256 * KIB, beyond: FIELD, doc: 'names and values of the parameters of one job in all' },
  secretsMax: { value: 64, beyond: MANY, doc: 'secrets of an action; replaced ones count while a job has them' },
  secretsBytesMax: { value: 256 * KIB, beyond: MANY, doc: 'encrypted values of the secrets of an action in all' },
  secretBytesMin: {
    value: 6,
    beyond: FIELD,
    doc: 'shortest value of a secret: a shorter one cannot be masked in logs',
  },
  secretBytesMax: { value: 64 * KIB, beyond: FIELD, doc: 'longest value of a secret' },
  viewTextBytesMax: {
    value: 4 * KIB,
    beyond: 'the text is cut',
    doc: 'command, and parameters, of a job in a list; what is longer is cut',
  },
  artifactGlobsMax: { value: 64, beyond: FIELD, doc: 'artifact patterns of an action' },
  pathBytesMax: { value: 4_096, beyond: FIELD, doc: 'a path or an artifact pattern' },
  leaseMsMin: { value: 3_000, beyond: FIELD, doc: 'shortest lease' },
  leaseMsDefault: { value: 60_000, beyond: 'the job ends as TIMEOUT', doc: 'lease of an action that sets none' },
  leaseMsMax: { value: DAY_MS, beyond: FIELD, doc: 'longest lease' },
  leaseMarginMs: {
    value: 5_000,
    beyond: NONE,
    doc: 'what the daemon adds before it calls a lease lost: guard period, kill and scan',
  },
  leasesMax: { value: 65_536, beyond: 'a claim gets `E_TOO_MANY`', doc: 'jobs running at once on one daemon' },
  grantMs: {
    value: 5_000,
    beyond: 'the job is offered again',
    doc: 'time to acknowledge a grant before the job goes to another worker',
  },
  timeLimitMsMax: { value: 30 * DAY_MS, beyond: FIELD, doc: 'longest time limit of an action' },
  graceMsDefault: {
    value: 10_000,
    beyond: 'the job is killed',
    doc: 'time between SIGTERM and SIGKILL for an action that sets none',
  },
  graceMsMax: { value: 3_600_000, beyond: FIELD, doc: 'longest time between SIGTERM and SIGKILL' },
  priorityMax: { value: 1_000, beyond: FIELD, doc: 'priorities go from -1000 to 1000; higher runs first, default 0' },
  retriesMax: { value: 100, beyond: FIELD, doc: 'new attempts after TIMEOUT' },
  runningMax: { value: 10_000, beyond: FIELD, doc: 'largest max-running of an action' },
  logLimitBytesDefault: {
    value: 1024 * MIB,
    beyond: '`E_LOG_LIMIT`',
    doc: 'log limit of an action that sets none, both streams together',
  },
  logLimitBytesMax: { value: 1024 * 1024 * MIB, beyond: FIELD, doc: 'largest log limit' },
  artifactBytesMax: { value: 1024 * 1024 * MIB, beyond: FIELD, doc: 'largest archive of artifacts' },
  bundleBytesMax: { value: 32 * MIB, beyond: FIELD, doc: 'largest bundle that travels with a job' },
  slotsMax: { value: 1_000, beyond: FIELD, doc: 'jobs that one worker runs at once' },
  workersMax: {
    value: 20_000,
    beyond: 'the first that left is forgotten; `E_TOO_MANY` when none has',
    doc: 'workers that a daemon remembers',
  },
  claimsPerConnectionMax: { value: 16, beyond: MANY, doc: 'parked claims of one connection' },
  claimsPerUserMax: { value: 5_000, beyond: MANY, doc: 'parked claims of all connections of one user' },
  claimsParkedMax: { value: 20_000, beyond: MANY, doc: 'parked claims on one daemon' },
  waitersMax: { value: 20_000, beyond: MANY, doc: 'parked job.wait and job.log requests on one daemon' },
  allowMax: { value: 64, beyond: FIELD, doc: 'whom an action lets queue its jobs' },
  inviteMsMin: { value: 60_000, beyond: FIELD, doc: 'shortest time that an invitation holds' },
  inviteMsDefault: { value: DAY_MS, beyond: '`E_INVITE`', doc: 'how long an invitation holds that says nothing else' },
  inviteMsMax: { value: 30 * DAY_MS, beyond: FIELD, doc: 'longest time that an invitation holds' },
  invitesOpenMax: { value: 10_000, beyond: MANY, doc: 'invitations that hold at once' },
  scramIterationsMin: { value: 4_096, beyond: FIELD, doc: 'fewest PBKDF2 rounds that either side accepts' },
  scramIterationsDefault: { value: 250_000, beyond: NONE, doc: 'PBKDF2 rounds of a new password' },
  scramIterationsMax: { value: 10_000_000, beyond: FIELD, doc: 'most PBKDF2 rounds that either side accepts' },
  handshakeMs: {
    value: 5_000,
    beyond: END,
    doc: 'time from connection to authentication, the handshake of TLS included',
  },
  stallMs: {
    value: 30_000,
    beyond: END,
    doc: 'time in which a reader takes none of the bytes that wait',
    key: 'stall_timeout',
  },
  frameMs: { value: 60_000, beyond: END, doc: 'time from the first byte of a frame to its last', key: 'frame_timeout' },
  connectionsMax: { value: 10_000, beyond: REFUSED, doc: 'connections at once', key: 'connections_max' },
  connectionsPerAddressMax: {
    value: 5_000,
    beyond: REFUSED,
    doc: 'connections of one address',
    key: 'connections_per_address',
  },
  connectionsPerUserMax: { value: 5_000, beyond: REFUSED, doc: 'connections of one user', key: 'connections_per_user' },
  heldBytesMax: {
    value: 256 * MIB,
    beyond: 'reads no further; a quarter more, and who holds most is closed',
    doc: 'bytes that main holds for all connections',
    key: 'byte_budget',
  },
  loginsFreeMax: { value: 5, beyond: THROTTLED, doc: 'failed logins of one user from one address that cost no delay' },
  loginDelayMsMin: { value: 500, beyond: NONE, doc: 'first delay after that; it doubles with each further failure' },
  loginDelayMsMax: { value: 60_000, beyond: NONE, doc: 'longest delay for one user from one address' },
  loginForgetMs: { value: 60_000, beyond: NONE, doc: 'time after which one failed login is forgotten' },
  addressLoginsFreeMax: {
    value: 50,
    beyond: THROTTLED,
    doc: 'failed logins of one address, of any users, that cost no delay',
  },
  addressLoginDelayMsMax: { value: 2_000, beyond: NONE, doc: 'longest delay for one address' },
  addressLoginForgetMs: {
    value: 10_000,
    beyond: NONE,
    doc: 'time after which a failed login of an address is forgotten',
  },
} as const satisfies Readonly<Record<string, Limit>>

export type LimitName = keyof typeof LIMITS
