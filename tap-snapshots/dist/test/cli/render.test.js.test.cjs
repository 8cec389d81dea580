/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`dist/test/cli/render.test.js > TAP > a table is as wide as its terminal: cells are cut, never a character > 100 columns 1`] = `
   JOB  STATE      EXIT  ACTION         USER           WORKER           QUEUED     TOOK  REASON
     3  TIMEOUT       -  a-name-of-si…  a-name-of-si…  a-name-of-si…    1m ago   1m 05s  worker-lost
     7  PENDING       -  -              ada            -                3s ago        -

`

exports[`dist/test/cli/render.test.js > TAP > a table is as wide as its terminal: cells are cut, never a character > 140 columns 1`] = `
   JOB  STATE      EXIT  ACTION                      USER                        WORKER                         QUEUED     TOOK  REASON
     3  TIMEOUT       -  a-name-of-sixty-four-char…  a-name-of-sixty-four-char…  a-name-of-sixty-four-chara…    1m ago   1m 05s  worker-lost
     7  PENDING       -  -                           ada                         -                              3s ago        -

`

exports[`dist/test/cli/render.test.js > TAP > a table is as wide as its terminal: cells are cut, never a character > 60 columns 1`] = `
   JOB  STATE      EXIT  ACTION    USER    WORKER      QUEUED     TOOK  REASON
     3  TIMEOUT       -  a-name-…  a-nam…  a-name-…    1m ago   1m 05s  worker-…
     7  PENDING       -  -         ada     -           3s ago        -

`

exports[`dist/test/cli/render.test.js > TAP > a table is as wide as its terminal: cells are cut, never a character > 80 columns 1`] = `
   JOB  STATE      EXIT  ACTION    USER    WORKER      QUEUED     TOOK  REASON
     3  TIMEOUT       -  a-name-…  a-nam…  a-name-…    1m ago   1m 05s  worker-…
     7  PENDING       -  -         ada     -           3s ago        -

`

exports[`dist/test/cli/render.test.js > TAP > a transfer shows how far it is, how fast it goes, and what is left > must match snapshot 1`] = `
fetching [--------------------]   0%  0 B of 4.0 MiB
fetching [#####---------------]  25%  1.0 MiB of 4.0 MiB  512 KiB/s  6.0s left
fetching [###############-----]  75%  3.0 MiB of 4.0 MiB  512 KiB/s  2.0s left
fetching [####################] 100%  4.0 MiB of 4.0 MiB  512 KiB/s  0.00s left
fetching [####################] 100%  0 B of 0 B
`

exports[`dist/test/cli/render.test.js > TAP > actions, accounts, workers and the daemon are shown > must match snapshot 1`] = `
ACTION            ACTIVE  PRIORITY  LABELS      COMMAND
build             no            -5  linux       make 'a very long argument that goes on and on' 'un…
b                 yes            0  -           a\\nb

`

exports[`dist/test/cli/render.test.js > TAP > actions, accounts, workers and the daemon are shown > must match snapshot 2`] = `
action       build
active       no
command      make 'a very long argument that goes on and on' 'until the terminal is at its end' 'and further'
env          A=1
labels       linux
priority     -5
timeout      90s
lease        1m
grace        0ms
max running  3
artifact     dist/**
log limit    64KiB

`

exports[`dist/test/cli/render.test.js > TAP > actions, accounts, workers and the daemon are shown > must match snapshot 3`] = `
[90mUSER            [39m  [90mROLE  [39m  [90mSTATE   [39m  [90mEXEC[39m  [90mCREATED[39m
ada               user    [32mactive  [39m  yes   11d ago
ada               reader  [32mactive  [39m  yes   11d ago
ada               reader  [34mpending [39m  yes   11d ago
ada               reader  [33mdisabled[39m  yes   11d ago
ada               reader  [90mdeleted [39m  yes   11d ago

`

exports[`dist/test/cli/render.test.js > TAP > actions, accounts, workers and the daemon are shown > must match snapshot 4`] = `
[90m  ID[39m  [90mROLE  [39m  [90mSTATE  [39m  [90mMADE BY [39m  [90m    MADE[39m  [90mEXPIRES             [39m  [90mUSED BY[39m
   3  worker  [32mopen   [39m  root        3s ago  2026-05-04 13:08:09Z  -
   3  worker  [34mused   [39m  root        3s ago  2026-05-04 13:08:09Z  -
   3  worker  [90mexpired[39m  root        3s ago  2026-05-04 13:08:09Z  -
   3  worker  [33mrevoked[39m  root        3s ago  2026-05-04 13:08:09Z  -
   3  worker  [32mopen   [39m  root        3s ago  2026-05-04 13:08:09Z  box-7

`

exports[`dist/test/cli/render.test.js > TAP > actions, accounts, workers and the daemon are shown > must match snapshot 5`] = `
WORKER            USER      STATE    FREE  LOAD    BEAT  VERSION  LABELS      JOBS
box-1             w         suspect   2/4  0.50  1s ago  0.1.0    linux       6 7
box-1             w         suspect   2/4  0.50  1s ago  0.1.0    -

`

exports[`dist/test/cli/render.test.js > TAP > actions, accounts, workers and the daemon are shown > must match snapshot 6`] = `
version          0.1.0
up               1d 3h
pending          1
running          2
workers          3, 1 suspect
waiting workers  4
connections      3
by thread        1: 3
jobs so far      120 queued, 117 ended
let in so far    340, 0 turned away, 3 failed logins
logs             4.8 MiB received, 812 B sent
artifacts        2.8 GiB received, 0 B sent
queue wait       p50 17ms, p99 1m 23s
dispatch         p50 0.32ms, p99 5ms
commit           p50 0.07ms, p99 1.2s
memory           48 MiB

`

exports[`dist/test/cli/render.test.js > TAP > actions, accounts, workers and the daemon are shown > of an older daemon 1`] = `
version          0.1.0
up               1d 3h
pending          1
running          2
workers          3
waiting workers  4
connections      3
by thread        1: 3
memory           48 MiB

`

exports[`dist/test/cli/render.test.js > TAP > jobs stand in a table, with colours where they are wanted > a later page 1`] = `
     7  PENDING       -  -               ada       -             3s ago        -

`

exports[`dist/test/cli/render.test.js > TAP > jobs stand in a table, with colours where they are wanted > chosen columns 1`] = `
EXIT     JOB  PARAMETERS
 143       2  A=1 'B=two\\nlines \\u{1b}[31mred'
   -       7  -

`

exports[`dist/test/cli/render.test.js > TAP > jobs stand in a table, with colours where they are wanted > coloured 1`] = `
[90m   JOB[39m  [90mSTATE    [39m  [90mEXIT[39m  [90mACTION        [39m  [90mUSER    [39m  [90mWORKER    [39m  [90m  QUEUED[39m  [90m   TOOK[39m  [90mREASON[39m
     7  [90mPENDING  [39m     -  -               ada       -             3s ago        -
     6  [34mRUNNING  [39m     -  build           ada       box-1         1m ago   1m 05s
     5  [32mCOMPLETE [39m     0  build           ada       box-1         1m ago     5.0s
     4  [31mCOMPLETE [39m     2  build           ada       box-1         1m ago     5.0s
     3  [31mTIMEOUT  [39m     -  build           ada       box-1         1m ago   1m 05s  worker-lost
     2  [33mCANCELLED[39m  TERM  build           ada       box-1         1m ago   1m 05s  stopped

`

exports[`dist/test/cli/render.test.js > TAP > jobs stand in a table, with colours where they are wanted > no job 1`] = `
   JOB  STATE      EXIT  ACTION          USER      WORKER        QUEUED     TOOK  REASON

`

exports[`dist/test/cli/render.test.js > TAP > jobs stand in a table, with colours where they are wanted > plain 1`] = `
   JOB  STATE      EXIT  ACTION          USER      WORKER        QUEUED     TOOK  REASON
     7  PENDING       -  -               ada       -             3s ago        -
     6  RUNNING       -  build           ada       box-1         1m ago   1m 05s
     5  COMPLETE      0  build           ada       box-1         1m ago     5.0s
     4  COMPLETE      2  build           ada       box-1         1m ago     5.0s
     3  TIMEOUT       -  build           ada       box-1         1m ago   1m 05s  worker-lost
     2  CANCELLED  TERM  build           ada       box-1         1m ago   1m 05s  stopped

`

exports[`dist/test/cli/render.test.js > TAP > jobs stand in a table, with colours where they are wanted > wide 1`] = `
   JOB  STATE      EXIT  ACTION          USER      WORKER                    QUEUED     TOOK  REASON                STARTED                 ENDED  ATTEMPT  PRIORITY  LABELS         LOG  ARTIFACTS     CPU   MEMORY  PARAMETERS                        COMMAND
     2  CANCELLED   143  build           ada       box-1       2026-05-04 13:05:59Z   1m 05s  stopped  2026-05-04 13:06:04Z  2026-05-04 13:07:09Z        2         0  linux,big  1.5 KiB    2.9 MiB  1m 15s  286 MiB  A=1 'B=two\\nlines \\u{1b}[31mred'  sh -c 'echo '\\''hi'\\'''
     7  PENDING       -  -               ada       -           2026-05-04 13:07:06Z        -                              -                     -        1         0  -              0 B        0 B       -        -  -

`

exports[`dist/test/cli/render.test.js > TAP > one job is shown with everything that is known of it > ended 1`] = `
job                 2
action              build
state               CANCELLED
reason              stopped
exit code           143
signal              SIGTERM
user                ada
worker              box-1
worker user         worker
pid                 4711
attempt             2
retry of            1
priority            0
labels              linux,big
queued              2026-05-04 13:05:59Z (1m ago)
started             2026-05-04 13:06:04Z (1m ago)
ended               2026-05-04 13:07:09Z (now)
took                1m 05s
stop requested      2026-05-04 13:07:08Z (1s ago)
command             sh -c 'echo '\\''hi'\\'''
dir                 /srv
parameter           A=1
parameter           B=two\\nlines \\u{1b}[31mred
files               abababababababababababababababababababababababababababababababab
log                 1.5 KiB
artifacts           2.9 MiB
cpu                 1m 15s user, 0.42s system
memory              286 MiB at most
processes ended by  cgroup

`

exports[`dist/test/cli/render.test.js > TAP > one job is shown with everything that is known of it > waiting 1`] = `
job       7
state     PENDING
user      ada
attempt   1
priority  0
queued    2026-05-04 13:07:06Z (3s ago)
log       0 B

`
