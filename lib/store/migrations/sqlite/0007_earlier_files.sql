-- Bytes of logs and artifacts that the earlier attempts of a job left on the disk: they go when the job's files go. No row
-- for a job that ran once, and none for attempts that were over before this table was made.
CREATE TABLE earlier_files (
  job INTEGER PRIMARY KEY REFERENCES jobs (id),
  bytes INTEGER NOT NULL
) STRICT;
