/**
 * Every error that crosses the wire. `retry`: the same request may succeed later without anything being mended.
 * Codes are never renamed or reused. The text is for people and is never matched on. PROTOCOL.md §4.
 */
export const ERROR_CODES = {
  E_BAD_FRAME: { retry: false, text: 'the bytes are not a frame of this protocol; the connection is closed' },
  E_FRAME_TOO_LARGE: { retry: false, text: 'the frame is larger than the receiver allows; the connection is closed' },
  E_BAD_REQUEST: { retry: false, text: 'the request does not fit its schema' },
  E_UNKNOWN_METHOD: { retry: false, text: 'this daemon has no such method; is it older than the client?' },
  E_VERSION: { retry: false, text: 'client and daemon speak different major versions; upgrade the older one' },
  E_AUTH: { retry: false, text: 'wrong user or password; run jankins login' },
  E_TLS_REQUIRED: { retry: false, text: 'this daemon speaks TLS only; run jankins login to learn its certificate' },
  E_NOT_APPROVED: { retry: false, text: 'this account waits for an admin: jankins users enable NAME' },
  E_DISABLED: { retry: false, text: 'this account was disabled; ask an admin' },
  E_THROTTLED: { retry: true, text: 'too many failed logins; try again in a moment, or from another address' },
  E_NOT_AUTHENTICATED: { retry: false, text: 'authenticate first' },
  E_FORBIDDEN: { retry: false, text: 'this account may not do that; ask an admin' },
  E_TOO_MANY: { retry: true, text: 'a limit of the daemon is reached; try again later' },
  E_BUSY: { retry: true, text: 'the daemon is busy with this; try again' },
  E_CANCELLED: { retry: false, text: 'the request was cancelled by its sender' },
  E_DRAINING: { retry: true, text: 'the daemon is stopping; connect again' },
  E_INTERNAL: { retry: false, text: 'the daemon failed; its log has the incident' },
  E_STORE_FULL: { retry: true, text: 'the disk of the daemon is full; make room' },
  E_JOB_NOT_FOUND: { retry: false, text: 'no job has this id' },
  E_JOB_NOT_FINISHED: { retry: false, text: 'the job has not ended yet' },
  E_JOB_DAMAGED: { retry: false, text: 'the job cannot be run: what the database has of it is damaged' },
  E_KEY_REUSED: { retry: false, text: 'this request key was used for another request' },
  E_ACTION_NOT_FOUND: { retry: false, text: 'no action has this name; jankins actions lists them' },
  E_ACTION_EXISTS: { retry: false, text: 'another definition has this name; give --replace to change it' },
  E_NOT_PRIVATE: { retry: false, text: 'secrets cross only TLS or loopback; connect in one of these ways' },
  E_ACTION_DISABLED: { retry: false, text: 'the action is disabled; jankins enable NAME lets it run' },
  E_USER_NOT_FOUND: { retry: false, text: 'no user has this name' },
  E_USER_EXISTS: { retry: false, text: 'a user has this name already' },
  E_USER_DELETED: { retry: false, text: 'this account is deleted for ever; choose another name' },
  E_LAST_ADMIN: { retry: false, text: 'this is the last active admin' },
  E_INVITE: { retry: false, text: 'this invitation does not hold, or no longer; ask an admin for another one' },
  E_INVITE_NOT_FOUND: { retry: false, text: 'no invitation has this id; jankins invites lists them' },
  E_WORKER_NAME_TAKEN: { retry: true, text: 'another worker process is alive under this name; choose another --name' },
  E_WORKER_NOT_FOUND: { retry: false, text: 'no worker has this name; jankins workers lists them' },
  E_NOT_ATTACHED: { retry: false, text: 'attach as a worker first' },
  E_LEASE_LOST: { retry: false, text: 'this worker no longer holds the job' },
  E_OFFSET: {
    retry: false,
    text: 'the bytes do not begin where the stored ones end; detail.length says where that is',
  },
  E_CHECKSUM: { retry: false, text: 'the stored bytes are not those that were announced' },
  E_LOG_LIMIT: { retry: false, text: 'the log limit of the action is reached' },
  E_PRUNED: { retry: false, text: 'log and artifacts of this job were removed, as the retention of the daemon says' },
  E_NO_ARTIFACTS: { retry: false, text: 'the job kept no artifacts' },
  E_BUNDLE_NOT_FOUND: { retry: false, text: 'no bundle has this checksum; send it first' },
} as const

export type ErrorCode = keyof typeof ERROR_CODES
export type ErrorDetail = Readonly<Record<string, string | number>>

/** What a reply carries in place of a result. PROTOCOL.md §4. */
export interface WireError {
  readonly code: string
  readonly message: string
  readonly detail: ErrorDetail
  readonly retry: boolean
}

export class JankinsError extends Error {
  override readonly name = 'JankinsError'
  readonly code: ErrorCode
  /** Facts for the log and for the client; never a secret. */
  readonly detail: ErrorDetail
  constructor(code: ErrorCode, detail: ErrorDetail = {}, options?: ErrorOptions) {
    super(`${code}: ${ERROR_CODES[code].text}`, options)
    this.code = code
    this.detail = detail
  }
  get retry(): boolean {
    return ERROR_CODES[this.code].retry
  }
}

export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_CODES, code)
