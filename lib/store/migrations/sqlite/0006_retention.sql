-- Whose logs and artifacts are on the disk, and whose are not any more. Tables of their own: a new column of jobs would
-- come after its texts, and a row with long texts would be read to its end for each line of a list.

-- A row for each job that has ended, that is not pinned, and whose files were not given up: in the order in which they go.
CREATE TABLE kept_files (
  queue INTEGER NOT NULL REFERENCES queues (id),
  ended_at_ms INTEGER NOT NULL,
  job INTEGER NOT NULL REFERENCES jobs (id),
  bytes INTEGER NOT NULL,
  PRIMARY KEY (queue, ended_at_ms, job)
) STRICT, WITHOUT ROWID;

-- How many rows of kept_files a queue has, and the sum of their bytes.
CREATE TABLE kept_totals (
  queue INTEGER PRIMARY KEY REFERENCES queues (id),
  jobs INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;

-- Jobs whose files were given up. `files_left` is 1 until they are really removed: a start of the daemon goes on there.
CREATE TABLE job_prunes (
  job INTEGER PRIMARY KEY REFERENCES jobs (id),
  pruned_at_ms INTEGER NOT NULL,
  files_left INTEGER NOT NULL
) STRICT;
CREATE INDEX job_prunes_left ON job_prunes (job) WHERE files_left = 1;

-- Jobs whose files stay whatever retention says; also of jobs that have not ended.
CREATE TABLE job_pins (
  job INTEGER PRIMARY KEY REFERENCES jobs (id)
) STRICT;

-- How many jobs that are not pruned travel with a bundle. No row: nobody needs it.
CREATE TABLE bundle_uses (
  bundle BLOB PRIMARY KEY,
  jobs INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO kept_files (queue, ended_at_ms, job, bytes)
SELECT queue, coalesce(ended_at_ms, queued_at_ms), id, coalesce(log_bytes, 0) + coalesce(artifact_bytes, 0)
FROM jobs WHERE state > 2 AND queue IN (SELECT id FROM queues);
INSERT INTO kept_totals (queue, jobs, bytes) SELECT queue, count(*), sum(bytes) FROM kept_files GROUP BY queue;
INSERT INTO bundle_uses (bundle, jobs) SELECT bundle, count(*) FROM jobs WHERE bundle IS NOT NULL GROUP BY bundle;
