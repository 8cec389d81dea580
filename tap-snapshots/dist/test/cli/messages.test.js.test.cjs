/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`dist/test/cli/messages.test.js > TAP > every error of the wire is told in one voice > a field 1`] = `
2 jankins: priority must be an integer (E_BAD_REQUEST)
`

exports[`dist/test/cli/messages.test.js > TAP > every error of the wire is told in one voice > a near miss 1`] = `
1 jankins: no action has this name; jankins actions lists them; did you mean build? (E_ACTION_NOT_FOUND, action: biuld)
`

exports[`dist/test/cli/messages.test.js > TAP > every error of the wire is told in one voice > must match snapshot 1`] = `
3 jankins: the bytes are not a frame of this protocol; the connection is closed (E_BAD_FRAME, job: 7)
1 jankins: the frame is larger than the receiver allows; the connection is closed (E_FRAME_TOO_LARGE, job: 7)
2 jankins: the request does not fit its schema (E_BAD_REQUEST, job: 7)
1 jankins: this daemon has no such method; is it older than the client? (E_UNKNOWN_METHOD, job: 7)
3 jankins: client and daemon speak different major versions; upgrade the older one (E_VERSION, job: 7)
3 jankins: wrong user or password; run jankins login (E_AUTH, job: 7)
3 jankins: this daemon speaks TLS only; run jankins login to learn its certificate (E_TLS_REQUIRED, job: 7)
3 jankins: this account waits for an admin: jankins users enable NAME (E_NOT_APPROVED, job: 7)
3 jankins: this account was disabled; ask an admin (E_DISABLED, job: 7)
3 jankins: too many failed logins; try again in a moment, or from another address (E_THROTTLED, job: 7)
3 jankins: authenticate first (E_NOT_AUTHENTICATED, job: 7)
1 jankins: this account may not do that; ask an admin (E_FORBIDDEN, job: 7)
1 jankins: a limit of the daemon is reached; try again later (E_TOO_MANY, job: 7)
1 jankins: the daemon is busy with this; try again (E_BUSY, job: 7)
1 jankins: the request was cancelled by its sender (E_CANCELLED, job: 7)
3 jankins: the daemon is stopping; connect again (E_DRAINING, job: 7)
1 jankins: the daemon failed; its log has the incident (E_INTERNAL, job: 7)
1 jankins: the disk of the daemon is full; make room (E_STORE_FULL, job: 7)
1 jankins: no job has this id (E_JOB_NOT_FOUND, job: 7)
1 jankins: the job has not ended yet (E_JOB_NOT_FINISHED, job: 7)
1 jankins: the job cannot be run: what the database has of it is damaged (E_JOB_DAMAGED, job: 7)
1 jankins: this request key was used for another request (E_KEY_REUSED, job: 7)
1 jankins: no action has this name; jankins actions lists them (E_ACTION_NOT_FOUND, job: 7)
1 jankins: another definition has this name; give --replace to change it (E_ACTION_EXISTS, job: 7)
1 jankins: secrets cross only TLS or loopback; connect in one of these ways (E_NOT_PRIVATE, job: 7)
1 jankins: the action is disabled; jankins enable NAME lets it run (E_ACTION_DISABLED, job: 7)
1 jankins: no user has this name (E_USER_NOT_FOUND, job: 7)
1 jankins: a user has this name already (E_USER_EXISTS, job: 7)
1 jankins: this account is deleted for ever; choose another name (E_USER_DELETED, job: 7)
1 jankins: this is the last active admin (E_LAST_ADMIN, job: 7)
1 jankins: this invitation does not hold, or no longer; ask an admin for another one (E_INVITE, job: 7)
1 jankins: no invitation has this id; jankins invites lists them (E_INVITE_NOT_FOUND, job: 7)
1 jankins: another worker process is alive under this name; choose another --name (E_WORKER_NAME_TAKEN, job: 7)
1 jankins: no worker has this name; jankins workers lists them (E_WORKER_NOT_FOUND, job: 7)
1 jankins: attach as a worker first (E_NOT_ATTACHED, job: 7)
1 jankins: this worker no longer holds the job (E_LEASE_LOST, job: 7)
1 jankins: the bytes do not begin where the stored ones end; detail.length says where that is (E_OFFSET, job: 7)
1 jankins: the stored bytes are not those that were announced (E_CHECKSUM, job: 7)
1 jankins: the log limit of the action is reached (E_LOG_LIMIT, job: 7)
1 jankins: log and artifacts of this job were removed, as the retention of the daemon says (E_PRUNED, job: 7)
1 jankins: the job kept no artifacts (E_NO_ARTIFACTS, job: 7)
1 jankins: no bundle has this checksum; send it first (E_BUNDLE_NOT_FOUND, job: 7)
`

exports[`dist/test/cli/messages.test.js > TAP > every mistake on the command line is told with what would be right > must match snapshot 1`] = `
jankins 
    2 jankins: give a command; see jankins --help
jankins que
    2 jankins: there is no command "que", did you mean queue?; see jankins --help
jankins xyzzy
    2 jankins: there is no command "xyzzy"; see jankins --help
jankins queue
    2 jankins: an argument is missing; see jankins queue --help
jankins queue a b
    2 jankins: there is no such option or argument here: b; see jankins queue --help
jankins queue a --nope
    2 jankins: there is no such option or argument here: nope; see jankins queue --help
jankins queue a --priority
    2 jankins: --priority needs a value; see jankins queue --help
jankins queue a --count 0
    2 jankins: --count must be 1 to 1000, not 0
jankins queue a --count abc
    2 jankins: --count must be a whole number, not "abc"
jankins queue a --count 1 --count 2
    2 jankins: --count was given 2 times; give it once
jankins queue a b
    2 jankins: NAME must be 1 to 64 letters, digits or _ - . + @, beginning with a letter or digit, not "a b"
jankins queue a -p x
    2 jankins: --param must be KEY=VALUE, not "x"
jankins queue a -- x
    2 jankins: queue takes nothing after --; see jankins queue --help
jankins query x
    2 jankins: JOBS must be the id of a job, a number from 1, not "x"
jankins query --state LOST
    2 jankins: --state must be one of PENDING, RUNNING, COMPLETE, TIMEOUT, CANCELLED, not "LOST"
jankins query --columns job,age
    2 jankins: --columns must be one of job, state, exit, action, user, worker, queued, took, reason, started, ended, attempt, priority, labels, log, artifacts, cpu, memory, parameters, command, not "age"
jankins query --since yesterday
    2 jankins: --since must be a time like 2026-05-04, "2026-05-04 13:07", or 2h for so long ago, not "yesterday"
jankins add-action a --timeout 90 -- x
    2 jankins: --timeout: "90" is not a duration such as 500ms, 90s, 5m, 2h or 1d
jankins add-action a --log-limit 1GB -- x
    2 jankins: --log-limit: "1GB" is not a size such as 4096, 64KiB, 8MiB or 1GiB
jankins status --server a:b:c
    2 jankins: --server must be HOST:PORT, not "a:b:c"
jankins users
    2 jankins: say what to do with users; see jankins users --help
jankins users nope
    2 jankins: there is no such option or argument here: nope; see jankins users --help
`

exports[`dist/test/cli/messages.test.js > TAP > every way in which no connection is made says what to do > must match snapshot 1`] = `
3 jankins: cannot reach box:5265: nothing listens there; start jankinsd, or name another daemon by --server or JANKINS_SERVER
3 jankins: cannot reach box:5265: there is no such host; name another by --server or JANKINS_SERVER
3 jankins: cannot reach box:5265: the name of the host cannot be looked up now; try again
3 jankins: cannot reach box:5265: there is no way to this host
3 jankins: cannot reach box:5265: there is no way to this network
3 jankins: cannot reach box:5265: the host does not answer
3 jankins: cannot reach box:5265: the other side closed the connection; try again
3 jankins: cannot reach box:5265: connect EOTHER
3 jankins: box:5265 did not answer within 10000 ms
3 jankins: cannot reach box:5265: the daemon is stopping; connect again (E_DRAINING)
3 jankins: not logged in at box:5265: run jankins login NAME --server box:5265
3 jankins: credentials.json is damaged: remove it and run jankins login
2 jankins: nothing was entered
1 jankins: this should not happen: TypeError: x is not a function; JANKINS_DEBUG=1 shows where
`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > actions 1`] = `
jankins actions [name]

show the actions, or one in full

Positionals:
  name  only this one                                                                       [string]

Options:
      --version  Show version number                                                       [boolean]
      --help     Show help                                                                 [boolean]
      --columns  action|active|priority|timeout|retries|running|labels|command  only these, in this
                 order                                                                      [string]
      --wide     all columns, nothing cut, exact times                                     [boolean]
  -q, --quiet    only ids or names, one per line                                           [boolean]
      --server   HOST:PORT  the daemon         [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
      --user     NAME  the account       [string] [default: JANKINS_USER, or that of the last login]
      --profile  NAME  a login that was kept under a name        [string] [default: JANKINS_PROFILE]
      --json     print one JSON object per line, with the field names of the wire          [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > add-action 1`] = `
jankins add-action <name> [OPTIONS] -- CMD [ARG...]

define what jobs of a name run

Positionals:
  name  name of the new action                                                   [string] [required]

Options:
  --version       Show version number                                                      [boolean]
  --help          Show help                                                                [boolean]
  --env           KEY=VALUE  a variable of the job’s environment; may be repeated           [string]
  --dir           DIR  directory on the worker to run in       [string] [default: a fresh workspace]
  --labels        A,B  labels that a worker must have                                       [string]
  --timeout       TIME  stop the job after this: it ends as TIMEOUT         [string] [default: none]
  --lease         TIME  how long the job goes on without contact to the daemon
                                                                             [string] [default: 60s]
  --grace         TIME  between SIGTERM and SIGKILL when the job is stopped  [string] [default: 10s]
  --priority      N  higher runs first                                         [string] [default: 0]
  --retries       N  new attempts after TIMEOUT                                [string] [default: 0]
  --artifact      GLOB  files in the workspace to keep; may be repeated                     [string]
  --stderr        apart|merge  merge: into stdout, in the order written    [string] [default: apart]
  --log-limit     SIZE  most bytes of log, both streams together            [string] [default: 1GiB]
  --on-log-limit  cut|stop  beyond it: keep head and tail, or stop the job   [string] [default: cut]
  --script        FILE  a shell script to run, in place of a command after --               [string]
  --max-running   N  most jobs of it running at once                    [string] [default: no limit]
  --allow         WHOM  user:NAME or role:user, who may queue jobs of it beside admins; may be
                  repeated                                             [string] [default: all users]
  --replace       change the action if there is one of this name                           [boolean]
  --server        HOST:PORT  the daemon        [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user          NAME  the account      [string] [default: JANKINS_USER, or that of the last login]
  --profile       NAME  a login that was kept under a name       [string] [default: JANKINS_PROFILE]
  --json          print one JSON object per line, with the field names of the wire         [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > apply 1`] = `
jankins apply <files..>

make the actions what files say

Positionals:
  files  YAML; - is stdin                                           [array] [required] [default: []]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --dry-run  only say what would change                                                    [boolean]
  --prune    disable every action that the files do not name                               [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > audit verify 1`] = `
jankins audit verify [file]

check that no line of the audit log was changed or removed, on the machine of the daemon

Positionals:
  file  one file of it, or a copy                                                           [string]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --data     DIR  the data directory                  [string] [default: $STATE_DIRECTORY or ./data]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > completion 1`] = `
jankins completion <shell> [OPTIONS] -- [WORD...]

print what a shell reads to complete this command line; behind -- stands what has been typed

Positionals:
  shell  bash, zsh, fish                                                         [string] [required]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > disable 1`] = `
jankins disable <name>

let no job of an action be queued or start

Positionals:
  name  name of an action                                                        [string] [required]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > enable 1`] = `
jankins enable <name>

let jobs of an action be queued and start

Positionals:
  name  name of an action                                                        [string] [required]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > exec 1`] = `
jankins exec [OPTIONS] -- CMD [ARG...]

queue a job without an action and print its id

Options:
      --version       Show version number                                                  [boolean]
      --help          Show help                                                            [boolean]
      --env           KEY=VALUE  a variable of the job’s environment; may be repeated       [string]
      --dir           DIR  directory on the worker to run in   [string] [default: a fresh workspace]
      --labels        A,B  labels that a worker must have                                   [string]
      --timeout       TIME  stop the job after this: it ends as TIMEOUT     [string] [default: none]
      --lease         TIME  how long the job goes on without contact to the daemon
                                                                             [string] [default: 60s]
      --grace         TIME  between SIGTERM and SIGKILL when the job is stopped
                                                                             [string] [default: 10s]
      --priority      N  higher runs first                                     [string] [default: 0]
      --retries       N  new attempts after TIMEOUT                            [string] [default: 0]
      --artifact      GLOB  files in the workspace to keep; may be repeated                 [string]
      --stderr        apart|merge  merge: into stdout, in the order written[string] [default: apart]
      --log-limit     SIZE  most bytes of log, both streams together        [string] [default: 1GiB]
      --on-log-limit  cut|stop  beyond it: keep head and tail, or stop the job
                                                                             [string] [default: cut]
      --script        FILE  a shell script to run, in place of a command after --           [string]
      --with          DIR  send the files of a directory along, into the job’s workspace    [string]
      --wait          return when the job has ended, and exit as it did                    [boolean]
  -f, --follow        print the log until the job has ended, and exit as it did            [boolean]
  -q, --quiet         no word and no progress beside the output                            [boolean]
      --server        HOST:PORT  the daemon    [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
      --user          NAME  the account  [string] [default: JANKINS_USER, or that of the last login]
      --profile       NAME  a login that was kept under a name   [string] [default: JANKINS_PROFILE]
      --json          print one JSON object per line, with the field names of the wire     [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > export 1`] = `
jankins export [names..]

print actions as YAML, as apply reads it

Positionals:
  names  only these actions                                                    [array] [default: []]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > fetch 1`] = `
jankins fetch <job>

get the artifacts of a job

Positionals:
  job  id of a job                                                               [string] [required]

Options:
      --version  Show version number                                                       [boolean]
      --help     Show help                                                                 [boolean]
  -o, --output   DIR  where to unpack them                         [string] [default: artifacts-JOB]
      --list     only show what they are                                                   [boolean]
      --server   HOST:PORT  the daemon         [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
      --user     NAME  the account       [string] [default: JANKINS_USER, or that of the last login]
      --profile  NAME  a login that was kept under a name        [string] [default: JANKINS_PROFILE]
      --json     print one JSON object per line, with the field names of the wire          [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > invite 1`] = `
jankins invite

print a token with which one account can be registered

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --role     worker|user|reader  of the account                           [string] [default: worker]
  --expires  TIME  how long it holds                                         [string] [default: 24h]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > invites list 1`] = `
jankins invites list

show the invitations and what became of them

Options:
      --version  Show version number                                                       [boolean]
      --help     Show help                                                                 [boolean]
      --columns  id|role|state|maker|made|expires|usedBy  only these, in this order         [string]
      --wide     all columns, nothing cut, exact times                                     [boolean]
  -q, --quiet    only ids or names, one per line                                           [boolean]
      --server   HOST:PORT  the daemon         [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
      --user     NAME  the account       [string] [default: JANKINS_USER, or that of the last login]
      --profile  NAME  a login that was kept under a name        [string] [default: JANKINS_PROFILE]
      --json     print one JSON object per line, with the field names of the wire          [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > invites revoke 1`] = `
jankins invites revoke <id>

let an invitation hold no more

Positionals:
  id  id of an invitation                                                        [string] [required]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > log 1`] = `
jankins log <job>

print the log of a job, byte for byte

Positionals:
  job  id of a job                                                               [string] [required]

Options:
      --version  Show version number                                                       [boolean]
      --help     Show help                                                                 [boolean]
  -f, --follow   go on until the job has ended, and exit as it did                         [boolean]
      --stdout   only what it wrote to stdout                                              [boolean]
      --stderr   only what it wrote to stderr                                              [boolean]
      --attempt  N  which attempt                                       [string] [default: the last]
      --server   HOST:PORT  the daemon         [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
      --user     NAME  the account       [string] [default: JANKINS_USER, or that of the last login]
      --profile  NAME  a login that was kept under a name        [string] [default: JANKINS_PROFILE]
      --json     print one JSON object per line, with the field names of the wire          [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > login 1`] = `
jankins login [target]

keep the keys of an account for a daemon, and how it is known

Positionals:
  target  HOST, HOST:PORT, USER@HOST or USER; else --server and --user                      [string]

Options:
  --version        Show version number                                                     [boolean]
  --help           Show help                                                               [boolean]
  --password-file  FILE  read the password from a file; - is stdin                          [string]
  --fingerprint    SHA256:...  trust the daemon that shows this certificate, as jankinsd printed it
                   at its start                                                             [string]
  --ca             FILE  trust a daemon whose certificate an authority in FILE has signed   [string]
  --plaintext      talk to this daemon although everything can be read on the way          [boolean]
  --cert           FILE  log in by this certificate, without a password                     [string]
  --key            FILE  the key of --cert                                                  [string]
  --server         HOST:PORT  the daemon       [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user           NAME  the account     [string] [default: JANKINS_USER, or that of the last login]
  --profile        NAME  a login that was kept under a name      [string] [default: JANKINS_PROFILE]
  --json           print one JSON object per line, with the field names of the wire        [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > logout 1`] = `
jankins logout

forget the keys that login keeps

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > passwd 1`] = `
jankins passwd [name]

change the own password, or as admin that of another account

Positionals:
  name  the account; the own one by default                                                 [string]

Options:
  --version        Show version number                                                     [boolean]
  --help           Show help                                                               [boolean]
  --password-file  FILE  read the new password from a file; - is stdin                      [string]
  --server         HOST:PORT  the daemon       [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user           NAME  the account     [string] [default: JANKINS_USER, or that of the last login]
  --profile        NAME  a login that was kept under a name      [string] [default: JANKINS_PROFILE]
  --json           print one JSON object per line, with the field names of the wire        [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > pin 1`] = `
jankins pin <jobs..>

keep log and artifacts of jobs, whatever the retention of the daemon says

Positionals:
  jobs  ids of jobs                                                 [array] [required] [default: []]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > ping 1`] = `
jankins ping

measure the way to the daemon: round trip, versions, clocks

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --count    N  round trips                                                    [string] [default: 3]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > query 1`] = `
jankins query [jobs..]

show jobs, newest first, or one in full

Positionals:
  jobs  only these                                                             [array] [default: []]

Options:
      --version    Show version number                                                     [boolean]
      --help       Show help                                                               [boolean]
      --state      PENDING|RUNNING|COMPLETE|TIMEOUT|CANCELLED  only jobs in this state      [string]
      --action     NAME  only jobs of this action                                           [string]
      --user       NAME  only jobs that this account queued                                 [string]
      --worker     NAME  only jobs that ran or run on this worker                           [string]
      --pid        N  only jobs whose shell has or had this pid                             [string]
      --label      NAME  only jobs that need this label                                     [string]
      --exit-code  N  only jobs that exited like this                                       [string]
      --since      TIME  only jobs queued since then: a date, or 2h for so long ago         [string]
      --until      TIME  only jobs queued before then                                       [string]
      --text       TEXT  only jobs with this text in a parameter, as NAME=VALUE             [string]
      --limit      N  at most so many                                         [string] [default: 20]
      --all        without a limit                                                         [boolean]
      --columns    job|state|exit|action|user|worker|queued|took|reason|started|ended|attempt|priori
                   ty|labels|log|artifacts|cpu|memory|parameters|command  only these, in this order
                                                                                            [string]
      --wide       all columns, nothing cut, exact times                                   [boolean]
  -q, --quiet      only ids or names, one per line                                         [boolean]
      --server     HOST:PORT  the daemon       [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
      --profile    NAME  a login that was kept under a name      [string] [default: JANKINS_PROFILE]
      --json       print one JSON object per line, with the field names of the wire        [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > queue 1`] = `
jankins queue <name>

queue jobs of an action and print their ids

Positionals:
  name  name of an action                                                        [string] [required]

Options:
      --version   Show version number                                                      [boolean]
      --help      Show help                                                                [boolean]
  -p, --param     KEY=VALUE  a parameter, in the environment of the job; may be repeated    [string]
      --with      DIR  send the files of a directory along, into the job’s workspace        [string]
      --priority  N  higher runs first                        [string] [default: that of the action]
      --count     N  how many jobs                                             [string] [default: 1]
      --wait      return when the job has ended, and exit as it did                        [boolean]
  -f, --follow    print the log until the job has ended, and exit as it did                [boolean]
  -q, --quiet     no word and no progress beside the output                                [boolean]
      --server    HOST:PORT  the daemon        [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
      --user      NAME  the account      [string] [default: JANKINS_USER, or that of the last login]
      --profile   NAME  a login that was kept under a name       [string] [default: JANKINS_PROFILE]
      --json      print one JSON object per line, with the field names of the wire         [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > register 1`] = `
jankins register <name>

make an account by an invitation, and keep its keys as login does

Positionals:
  name  name of the new account                                                  [string] [required]

Options:
  --version        Show version number                                                     [boolean]
  --help           Show help                                                               [boolean]
  --invite         TOKEN  what jankins invite printed             [string] [default: JANKINS_INVITE]
  --password-file  FILE  read the new password from a file; - is stdin                      [string]
  --generate       a random password that nobody is told: its keys are kept                [boolean]
  --fingerprint    SHA256:...  trust the daemon that shows this certificate, as jankinsd printed it
                   at its start                                                             [string]
  --ca             FILE  trust a daemon whose certificate an authority in FILE has signed   [string]
  --plaintext      talk to this daemon although everything can be read on the way          [boolean]
  --server         HOST:PORT  the daemon       [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --json           print one JSON object per line, with the field names of the wire        [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > retry 1`] = `
jankins retry <job>

queue a job again that has ended and print the new id

Positionals:
  job  id of a job                                                               [string] [required]

Options:
      --version  Show version number                                                       [boolean]
      --help     Show help                                                                 [boolean]
      --wait     return when the job has ended, and exit as it did                         [boolean]
  -f, --follow   print the log until the job has ended, and exit as it did                 [boolean]
  -q, --quiet    no word and no progress beside the output                                 [boolean]
      --server   HOST:PORT  the daemon         [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
      --user     NAME  the account       [string] [default: JANKINS_USER, or that of the last login]
      --profile  NAME  a login that was kept under a name        [string] [default: JANKINS_PROFILE]
      --json     print one JSON object per line, with the field names of the wire          [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > run 1`] = `
jankins run <name>

queue a job, print its log as it comes, exit as it does

Positionals:
  name  name of an action                                                        [string] [required]

Options:
      --version   Show version number                                                      [boolean]
      --help      Show help                                                                [boolean]
  -p, --param     KEY=VALUE  a parameter, in the environment of the job; may be repeated    [string]
      --with      DIR  send the files of a directory along, into the job’s workspace        [string]
      --priority  N  higher runs first                        [string] [default: that of the action]
  -f, --follow    as it does by itself: for hands that are used to queue --follow          [boolean]
  -q, --quiet     no word and no progress beside the output                                [boolean]
      --server    HOST:PORT  the daemon        [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
      --user      NAME  the account      [string] [default: JANKINS_USER, or that of the last login]
      --profile   NAME  a login that was kept under a name       [string] [default: JANKINS_PROFILE]
      --json      print one JSON object per line, with the field names of the wire         [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > secret list 1`] = `
jankins secret list <action>

show the names of the secrets of an action

Positionals:
  action  name of an action                                                      [string] [required]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > secret remove 1`] = `
jankins secret remove <action> <name>

take a secret from an action

Positionals:
  action  name of an action                                                      [string] [required]
  name    name of the variable                                                   [string] [required]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > secret set 1`] = `
jankins secret set <action> <name>

give the jobs of an action a variable that nobody is shown; its value comes on stdin

Positionals:
  action  name of an action                                                      [string] [required]
  name    name of the variable                                                   [string] [required]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > show 1`] = `
jankins show <what>

show everything about a job, or about an action

Positionals:
  what  id of a job, or name of an action                                        [string] [required]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --action   it is an action, also if its name is a number                                 [boolean]
  --wide     nothing cut, exact times                                                      [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > status 1`] = `
jankins status

show what the daemon is doing

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > stop 1`] = `
jankins stop <jobs..>

stop jobs, or take them out of the queue

Positionals:
  jobs  ids of jobs                                                 [array] [required] [default: []]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --wait     return when they have ended, print their logs, exit as they did               [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > unpin 1`] = `
jankins unpin <jobs..>

let log and artifacts of jobs go in their time

Positionals:
  jobs  ids of jobs                                                 [array] [required] [default: []]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > users add 1`] = `
jankins users add <name>

make an account

Positionals:
  name  name of an account                                                       [string] [required]

Options:
  --version        Show version number                                                     [boolean]
  --help           Show help                                                               [boolean]
  --role           admin|user|worker|reader  what the account may do        [string] [default: user]
  --exec           it may use jankins exec without being admin                             [boolean]
  --password-file  FILE  read the new password from a file; - is stdin                      [string]
  --generate       make a random password and print it, once                               [boolean]
  --server         HOST:PORT  the daemon       [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user           NAME  the account     [string] [default: JANKINS_USER, or that of the last login]
  --profile        NAME  a login that was kept under a name      [string] [default: JANKINS_PROFILE]
  --json           print one JSON object per line, with the field names of the wire        [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > users delete 1`] = `
jankins users delete <name>

disable an account for ever: its name stays and is not given again

Positionals:
  name  name of an account                                                       [string] [required]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > users disable 1`] = `
jankins users disable <name>

let an account log in no more: its connections end, its workers’ jobs are stopped

Positionals:
  name  name of an account                                                       [string] [required]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > users enable 1`] = `
jankins users enable <name>

let an account log in, again or after it was registered

Positionals:
  name  name of an account                                                       [string] [required]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > users list 1`] = `
jankins users list

show the accounts

Options:
      --version  Show version number                                                       [boolean]
      --help     Show help                                                                 [boolean]
      --columns  user|role|state|exec|created  only these, in this order                    [string]
      --wide     all columns, nothing cut, exact times                                     [boolean]
  -q, --quiet    only ids or names, one per line                                           [boolean]
      --server   HOST:PORT  the daemon         [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
      --user     NAME  the account       [string] [default: JANKINS_USER, or that of the last login]
      --profile  NAME  a login that was kept under a name        [string] [default: JANKINS_PROFILE]
      --json     print one JSON object per line, with the field names of the wire          [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > users rotate 1`] = `
jankins users rotate <name>

give an account a new random password, print it, and end its connections

Positionals:
  name  name of an account                                                       [string] [required]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > watch 1`] = `
jankins watch

show running and waiting jobs and the workers, live; without a terminal a line for each change

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --every    TIME  how often to look                                          [string] [default: 1s]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > whoami 1`] = `
jankins whoami

show which account this is, and where

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > why 1`] = `
jankins why <job>

say why a job waits, why it went to its worker, why it ended as it did

Positionals:
  job  id of a job                                                               [string] [required]

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --server   HOST:PORT  the daemon             [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --profile  NAME  a login that was kept under a name            [string] [default: JANKINS_PROFILE]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > work 1`] = `
jankins work

run jobs on this machine

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]
  --name     NAME  name of the worker                              [string] [default: the host name]
  --dir      DIR  state directory                   [string] [default: $XDG_STATE_HOME/jankins/NAME]
  --labels   A,B  labels that actions may ask for                                           [string]
  --jobs     N  jobs at once                                                   [string] [default: 1]
  --once     run at most one job; exit 5 when there was none                               [boolean]
  --wait     with --once: wait until there is one                                          [boolean]
  --poll     TIME  stay disconnected between asks                                           [string]
  --drain    NAME  let the worker of this name get no new job; wait until it is idle        [string]
  --undrain  NAME  let the worker of this name get jobs again                               [string]
  --server   HOST:PORT  a daemon to work for; may be repeated                               [string]
  --user     NAME  the account           [string] [default: JANKINS_USER, or that of the last login]
  --config   FILE  configuration file                             [string] [default: JANKINS_CONFIG]
  --json     print one JSON object per line, with the field names of the wire              [boolean]

`

exports[`dist/test/cli/messages.test.js > TAP > the help of every command > workers 1`] = `
jankins workers

show the workers

Options:
      --version  Show version number                                                       [boolean]
      --help     Show help                                                                 [boolean]
      --columns  worker|user|state|free|load|beat|attached|version|labels|jobs  only these, in this
                 order                                                                      [string]
      --wide     all columns, nothing cut, exact times                                     [boolean]
  -q, --quiet    only ids or names, one per line                                           [boolean]
      --server   HOST:PORT  the daemon         [string] [default: JANKINS_SERVER, or 127.0.0.1:5265]
      --user     NAME  the account       [string] [default: JANKINS_USER, or that of the last login]
      --profile  NAME  a login that was kept under a name        [string] [default: JANKINS_PROFILE]
      --json     print one JSON object per line, with the field names of the wire          [boolean]

`
