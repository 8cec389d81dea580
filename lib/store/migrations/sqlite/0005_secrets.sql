-- What jobs of an action are given in their environment and nobody is shown. `sealed` is encrypted by a key that is not in
-- the database. A value that was replaced or removed stays while a job runs that may have it: whoever adopts such a job
-- has to know what to mask. These and no others are the rows that are deleted.
CREATE TABLE action_secrets (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  action INTEGER NOT NULL REFERENCES actions (id),
  name TEXT NOT NULL,
  replaced_at_ms INTEGER,
  sealed BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX action_secrets_current ON action_secrets (action, name) WHERE replaced_at_ms IS NULL;
CREATE INDEX action_secrets_action ON action_secrets (action);
