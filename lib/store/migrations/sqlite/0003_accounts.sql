-- active: may log in. pending: registered, and not yet approved. deleted: disabled for ever, so that its name is not given
-- again.
ALTER TABLE users ADD COLUMN state TEXT NOT NULL DEFAULT 'active'
  CHECK (state IN ('active', 'pending', 'disabled', 'deleted'));
UPDATE users SET state = 'disabled' WHERE active = 0;
ALTER TABLE users DROP COLUMN active;

-- Rows are never deleted: they tell where accounts come from. Of a token only its hash is kept.
CREATE TABLE invites (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  token_sha256 BLOB NOT NULL UNIQUE,
  role TEXT NOT NULL,
  made_by INTEGER NOT NULL REFERENCES users (id),
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER,
  used_at_ms INTEGER,
  used_by INTEGER REFERENCES users (id)
) STRICT;
CREATE INDEX invites_open ON invites (expires_at_ms) WHERE used_at_ms IS NULL AND revoked_at_ms IS NULL;
