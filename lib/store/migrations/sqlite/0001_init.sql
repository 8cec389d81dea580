-- Times are ms since the epoch by the daemon's clock. No row of users, actions or jobs is ever deleted.

CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  active INTEGER NOT NULL,
  may_exec INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE credentials (
  id INTEGER PRIMARY KEY,
  user INTEGER NOT NULL REFERENCES users (id),
  kind TEXT NOT NULL CHECK (kind IN ('password')),
  salt BLOB NOT NULL,
  iterations INTEGER NOT NULL,
  stored_key BLOB NOT NULL,
  server_key BLOB NOT NULL
) STRICT;
CREATE INDEX credentials_user ON credentials (user);
CREATE UNIQUE INDEX credentials_password ON credentials (user) WHERE kind = 'password';

-- Each distinct definition of an action, once: a job refers to the one that it ran, whatever became of the action.
-- `definition` and `view` are JSON; `view` holds what lists show, with the texts cut.
CREATE TABLE action_versions (
  id INTEGER PRIMARY KEY,
  action TEXT NOT NULL,
  sha256 BLOB NOT NULL,
  definition TEXT NOT NULL,
  view TEXT NOT NULL,
  UNIQUE (action, sha256)
) STRICT;

CREATE TABLE actions (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  active INTEGER NOT NULL,
  version INTEGER NOT NULL REFERENCES action_versions (id),
  created_at_ms INTEGER NOT NULL
) STRICT;

-- What the dispatcher needs. `labels` is a JSON array, sorted; `running_max` is NULL for no limit.
CREATE TABLE queues (
  id INTEGER PRIMARY KEY,
  action INTEGER UNIQUE REFERENCES actions (id),
  labels TEXT NOT NULL,
  running_max INTEGER
) STRICT;
CREATE UNIQUE INDEX queues_exec ON queues (labels) WHERE action IS NULL;

CREATE TABLE job_states (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO job_states (id, name)
VALUES (1, 'PENDING'), (2, 'RUNNING'), (3, 'COMPLETE'), (4, 'TIMEOUT'), (5, 'CANCELLED');

CREATE TABLE daemons (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  epoch INTEGER NOT NULL
) STRICT;

-- One row per job from queue to end. The texts come last: what is read of a row before them costs no overflow page.
--   lease              RUNNING: the holder's; finished: of the last holder; PENDING: of the attempt before, if it may
--                      repeat its finish
--   home_*             only while RUNNING
--   version            what ran; NULL while PENDING and for job.exec, which has its `definition` here
--   request_count      how many jobs the request made; they have consecutive ids. Only the first has the key
--   batch_of           first job of the same request: it has the parameters for all. NULL in the first itself
--   durable_*_bytes    of the attempt's log
--   parameters         JSON array of pairs; NULL for none, or see batch_of
--   *_view             what lists show; parameters_view is NULL when parameters are short enough themselves
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  state INTEGER NOT NULL REFERENCES job_states (id),
  queue INTEGER NOT NULL REFERENCES queues (id),
  user INTEGER NOT NULL REFERENCES users (id),
  priority INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  retries_left INTEGER NOT NULL,
  queued_at_ms INTEGER NOT NULL,
  started_at_ms INTEGER,
  ended_at_ms INTEGER,
  heartbeat_at_ms INTEGER,
  stop_requested_at_ms INTEGER,
  pid INTEGER,
  version INTEGER REFERENCES action_versions (id),
  retry_of INTEGER REFERENCES jobs (id),
  batch_of INTEGER REFERENCES jobs (id),
  request_count INTEGER,
  exit_code INTEGER,
  log_bytes INTEGER,
  artifact_bytes INTEGER,
  durable_stdout_bytes INTEGER,
  durable_stderr_bytes INTEGER,
  home_epoch INTEGER,
  home_daemon TEXT,
  worker TEXT,
  worker_user TEXT,
  signal TEXT,
  reason TEXT,
  tree_layer TEXT,
  lease BLOB,
  artifact_sha256 BLOB,
  bundle BLOB,
  request_key TEXT,
  parameters_view TEXT,
  definition_view TEXT,
  parameters TEXT,
  definition TEXT
) STRICT;

-- The id is the last column of every index by itself: entries with equal columns are in the order of ids, so each of the
-- last four is a lane of ids, newest first, and a query leaps between the lanes of its filters.
-- Measured on 2 cores that were busy with other work: 32 callers, one insert each, 100 bytes of parameters: 25 us of CPU
-- per durable insert with all six, of which random request keys cost 9 and jobs_state, jobs_user and jobs_queue
-- together 5 (22 without jobs_state or jobs_user). A page of 100 out of 10 million jobs: median 0.6 to 2.1 ms for
-- every set of filters. COMPLETE is not in jobs_state: almost all jobs are, and each would be written once more.
CREATE INDEX jobs_pending ON jobs (queue, priority DESC) WHERE state = 1;
CREATE UNIQUE INDEX jobs_request ON jobs (user, request_key) WHERE request_key IS NOT NULL;
CREATE INDEX jobs_queue ON jobs (queue);
CREATE INDEX jobs_user ON jobs (user);
CREATE INDEX jobs_worker ON jobs (worker) WHERE worker IS NOT NULL;
CREATE INDEX jobs_state ON jobs (state) WHERE state <> 3;
