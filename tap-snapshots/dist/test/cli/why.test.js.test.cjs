/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`dist/test/cli/why.test.js > TAP > every reason for which a job waits has a sentence that says what to do > must match snapshot 1`] = `
job 7 has waited 3m 10s for a worker with the labels linux, big
- worker box-1 is taking it just now
- its rows in the database are damaged and it is set aside; the log of the daemon says what is wrong
- its action is disabled; jankins enable build lets it run
- 3 of at most 4 jobs of its action run already
- 3 jobs of its queue come first
- no worker is connected; jankins work starts one
- no worker has the labels linux, big
- no worker has all of the labels linux, big
- worker box-1 is busy: 3 of 4 slots are taken
- worker box-1 is drained; jankins work --undrain box-1 lets it have jobs again
- worker box-1 is away, and its account is disabled
- worker box-1 is connected and has missed its last beats
- worker box-1 is away
- worker box-1 is connected without TLS from afar, and the action has secrets
- worker box-1 has room and asks for no job: it works for other daemons, polls, or its disk is full
- worker box-1 asks for jobs, and others come first
- many jobs of its queue come first
- 1 job of its queue comes first
- no worker has the label a

`

exports[`dist/test/cli/why.test.js > TAP > what happened to a job stands in its order, with the times > exact 1`] = `
2026-05-04 10:37:09Z  queued by ada
2026-05-04 10:53:49Z  started on box-1
2026-05-04 11:10:29Z  attempt 1 is over: its worker was not heard of for longer than the lease, and its machine has ended it; the job waits again
2026-05-04 11:27:09Z  attempt 2 started on box-2
2026-05-04 13:06:08Z  eve asked for its stop
2026-05-04 13:07:04Z  attempt 2 ended: it was stopped

`

exports[`dist/test/cli/why.test.js > TAP > what happened to a job stands in its order, with the times > for people 1`] = `
2026-05-04 10:37:09Z (2h ago)  queued by ada
2026-05-04 10:53:49Z (2h ago)  started on box-1
2026-05-04 11:10:29Z (1h ago)  attempt 1 is over: its worker was not heard of for longer than the lease, and its machine has ended it; the job waits again
2026-05-04 11:27:09Z (1h ago)  attempt 2 started on box-2
2026-05-04 13:06:08Z (1m ago)  eve asked for its stop
2026-05-04 13:07:04Z (5s ago)  attempt 2 ended: it was stopped

`

exports[`dist/test/cli/why.test.js > TAP > why a job runs where it does, and why it ended as it did > attempts before 1`] = `
attempt 1 on box-2 is over: its worker was not heard of for longer than the lease, and its machine has ended it
it went to worker box-1 10s after it was queued: it has the labels linux, big, and of those that may it was the first to ask
job 7 is COMPLETE: its command exited with 2; its log may say why

`

exports[`dist/test/cli/why.test.js > TAP > why a job runs where it does, and why it ended as it did > ended 1`] = `
it went to worker box-1 10s after it was queued: it has the labels linux, big, and of those that may it was the first to ask
job 7 is COMPLETE: its command exited with 2; its log may say why

it went to worker box-1 10s after it was queued: it has the labels linux, big, and of those that may it was the first to ask
job 7 is COMPLETE: its command exited with 0

it went to worker box-1 10s after it was queued: it has the labels linux, big, and of those that may it was the first to ask
job 7 is COMPLETE: it exited with 1; its log may say why

it went to worker box-1 10s after it was queued: it has the labels linux, big, and of those that may it was the first to ask
job 7 is COMPLETE: it exited with 1; its log may say why

it went to worker box-1 10s after it was queued: it has the labels linux, big, and of those that may it was the first to ask
job 7 is TIMEOUT: its worker was not heard of for longer than the lease, and its machine has ended it

it went to worker box-1 10s after it was queued: it has the labels linux, big, and of those that may it was the first to ask
job 7 is TIMEOUT: it took longer than the time limit of its action

it went to worker box-1 10s after it was queued: it has the labels linux, big, and of those that may it was the first to ask
job 7 is TIMEOUT: eve stopped it

it went to worker box-1 10s after it was queued: it has the labels linux, big, and of those that may it was the first to ask
job 7 is TIMEOUT: its log reached the limit of its action

it went to worker box-1 10s after it was queued: it has the labels linux, big, and of those that may it was the first to ask
job 7 is TIMEOUT: its shell vanished without a status: out of memory, or somebody on that machine killed it

it went to worker box-1 10s after it was queued: it has the labels linux, big, and of those that may it was the first to ask
job 7 is TIMEOUT: the worker could not start it; the log says what is in the way

it went to worker box-1 10s after it was queued: it has the labels linux, big, and of those that may it was the first to ask
job 7 is TIMEOUT: the account of its worker was disabled

`

exports[`dist/test/cli/why.test.js > TAP > why a job runs where it does, and why it ended as it did > running 1`] = `
job 7 has run for 3m 00s
it went to worker box-1 10s after it was queued: it has the labels linux, big, and of those that may it was the first to ask

`

exports[`dist/test/cli/why.test.js > TAP > why a job runs where it does, and why it ended as it did > stopping 1`] = `
job 7 has run for 3m 00s
it went to worker box-1 10s after it was queued: any worker may run it, and of those that may it was the first to ask
it was told to stop 5s ago, and may use its grace time

`
