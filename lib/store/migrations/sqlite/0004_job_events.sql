-- What happened to a job beside what its row says: attempts that are over, and who asked for its stop. Nothing is
-- written here when a job is queued, starts or ends: the row has these times. At most 256 rows of a job.
CREATE TABLE job_events (
  job INTEGER NOT NULL REFERENCES jobs (id),
  number INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  started_at_ms INTEGER,
  worker TEXT,
  user TEXT,
  reason TEXT,
  PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

-- Workers that get no new job, also after a start of the daemon.
CREATE TABLE drained_workers (
  worker TEXT PRIMARY KEY,
  user TEXT NOT NULL,
  since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
