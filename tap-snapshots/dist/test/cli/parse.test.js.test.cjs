/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`dist/test/cli/parse.test.js > TAP > every command has help that names all its options, and fits the table > add-action 1`] = `
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

exports[`dist/test/cli/parse.test.js > TAP > every command has help that names all its options, and fits the table > the overview 1`] = `
jankins COMMAND [OPTIONS]

Commands:
  jankins login [target]      keep the keys of an account for a daemon, and how it is known
  jankins logout              forget the keys that login keeps
  jankins whoami              show which account this is, and where
  jankins ping                measure the way to the daemon: round trip, versions, clocks
  jankins passwd [name]       change the own password, or as admin that of another account
  jankins users               list, add, disable, enable, delete accounts, rotate keys
  jankins invite              print a token with which one account can be registered
  jankins invites             list and revoke invitations
  jankins register <name>     make an account by an invitation, and keep its keys as login does
  jankins audit               check the log of who did what
  jankins add-action <name>   define what jobs of a name run
  jankins apply <files..>     make the actions what files say
  jankins export [names..]    print actions as YAML, as apply reads it
  jankins actions [name]      show the actions, or one in full
  jankins secret              set, list and remove secrets of an action
  jankins enable <name>       let jobs of an action be queued and start
  jankins disable <name>      let no job of an action be queued or start
  jankins queue <name>        queue jobs of an action and print their ids
  jankins run <name>          queue a job, print its log as it comes, exit as it does
  jankins exec                queue a job without an action and print its id
  jankins query [jobs..]      show jobs, newest first, or one in full
  jankins show <what>         show everything about a job, or about an action
  jankins why <job>           say why a job waits, why it went to its worker, why it ended as it did
  jankins log <job>           print the log of a job, byte for byte
  jankins stop <jobs..>       stop jobs, or take them out of the queue
  jankins pin <jobs..>        keep log and artifacts of jobs, whatever the retention of the daemon
                              says
  jankins unpin <jobs..>      let log and artifacts of jobs go in their time
  jankins retry <job>         queue a job again that has ended and print the new id
  jankins fetch <job>         get the artifacts of a job
  jankins work                run jobs on this machine
  jankins watch               show running and waiting jobs and the workers, live; without a
                              terminal a line for each change
  jankins workers             show the workers
  jankins completion <shell>  print what a shell reads to complete this command line; behind --
                              stands what has been typed
  jankins status              show what the daemon is doing

Options:
  --version  Show version number                                                           [boolean]
  --help     Show help                                                                     [boolean]

`
