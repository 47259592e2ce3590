CREATE TABLE subscriptions (
  id         TEXT PRIMARY KEY,
  settings   TEXT NOT NULL,    -- JSON: what its owner has said
  secrets    BLOB NOT NULL,    -- encrypted
  created_at INTEGER NOT NULL, -- milliseconds since 1970, here and below
  updated_at INTEGER NOT NULL,
  cursor     INTEGER NOT NULL, -- position in the ledger: up to it, all that matches is below
  paused     TEXT,             -- why nothing is sent
  progress   TEXT NOT NULL,    -- JSON: the circuit breaker, the last success and failure
  log_from   INTEGER NOT NULL  -- of what was enqueued before, some is not in the log any more
) STRICT, WITHOUT ROWID;

-- References alone: bodies are made from the ledger, in which what is erased is erased.
CREATE TABLE deliveries (
  subscription TEXT NOT NULL,
  position     INTEGER NOT NULL,
  state        TEXT NOT NULL, -- pending | delivered | dead
  type         TEXT NOT NULL,
  stream       TEXT NOT NULL,
  event_id     TEXT,
  failures     INTEGER NOT NULL,
  due_at       INTEGER NOT NULL,
  attempts     TEXT NOT NULL, -- JSON, the newest last
  created_at   INTEGER NOT NULL,
  settled_at   INTEGER,
  PRIMARY KEY (subscription, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_by_state ON deliveries (subscription, state, position);
