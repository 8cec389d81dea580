/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`dist/test/cli/watch.test.js > TAP > the screen shows what runs, what waits and the workers, and never more than fits > a small terminal 1`] = `
jankins 0.1.0  1 running, 40 waiting, 1 workers  2026-05-04 13:07:09Z  q ends

   JOB  ACTION          USER      WORKER      ATTEMPT     TOOK  COMMAND
     6  build           ada       box-1             1   1m 05s  make -j4 all

   JOB  ACTION          USER      PRIORITY    QUEUED  LABELS  COMMAND
    47  build           ada              9    3s ago  -       make -j4 all
    11  build           ada              0    3s ago  -       make -j4 all
    12  build           ada              0    3s ago  -       make -j4 all
    13  build           ada              0    3s ago  -       make -j4 all
    14  build           ada              0    3s ago  -       make -j4 all
    15  build           ada              0    3s ago  -       make -j4 all
... and 34 more

WORKER            USER      STATE    FREE  LOAD  BEAT  LABELS      JOBS
box-1             w         alive     2/4  0.50   now  linux       6
`

exports[`dist/test/cli/watch.test.js > TAP > the screen shows what runs, what waits and the workers, and never more than fits > nothing 1`] = `
jankins 0.1.0  1 running, 40 waiting, 1 workers  2026-05-04 13:07:09Z  q ends

   JOB  ACTION          USER      WORKER      ATTEMPT     TOOK  COMMAND

   JOB  ACTION          USER      PRIORITY    QUEUED  LABELS  COMMAND

WORKER            USER      STATE    FREE  LOAD  BEAT  LABELS      JOBS
`
