-- What a finished job used. A table of its own: a new column of jobs would come after its texts, and a row with long
-- texts would be read to its end for each line of a list. No row for a job of which nothing is known.
CREATE TABLE job_usage (
  job INTEGER PRIMARY KEY REFERENCES jobs (id),
  cpu_user_ms INTEGER,
  cpu_system_ms INTEGER,
  memory_peak_bytes INTEGER
) STRICT;
