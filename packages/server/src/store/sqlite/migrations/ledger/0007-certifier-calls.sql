-- Calls of the certifier's webhook, one a packet: those that are due, and those that were given up.
CREATE TABLE certifier_calls (
  version_id TEXT PRIMARY KEY,
  state      TEXT NOT NULL, -- pending | dead
  attempts   INTEGER NOT NULL,
  due_at     INTEGER NOT NULL, -- milliseconds since 1970
  reason     TEXT -- what came of the last attempt
) STRICT, WITHOUT ROWID;
CREATE INDEX due_certifier_calls ON certifier_calls (due_at) WHERE state = 'pending';

-- Packets of ledger entries below have been called for, or are to be.
CREATE TABLE certifier_cursor (
  id    INTEGER PRIMARY KEY CHECK (id = 1),
  entry INTEGER NOT NULL
) STRICT;
