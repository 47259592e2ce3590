-- What orchestrators and events say of batches. What is certified of them, the journal and the ledger have.
CREATE TABLE batches (
  id         INTEGER PRIMARY KEY, -- ascends in the order in which they were first heard of
  tag        TEXT NOT NULL UNIQUE,
  stream     TEXT,                -- null for a batch that is ingested elsewhere
  source     TEXT,
  owner      TEXT,                -- what whoever began it calls itself
  state      TEXT NOT NULL,       -- open | ingested | failed | embedding | embedded
  pii        INTEGER NOT NULL DEFAULT 0,
  gate       TEXT NOT NULL DEFAULT 'open', -- open: never locked | locked | unlocked
  opened_at  INTEGER NOT NULL,    -- milliseconds since 1970, here as below
  ended_at   INTEGER,
  spool      TEXT,
  bytes      INTEGER,
  files      INTEGER,
  processed  INTEGER,
  inserted   INTEGER,
  duplicates INTEGER,
  rejected   INTEGER,
  embed      TEXT,                -- null: not asked for | due | done | failed
  embedded   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX batches_by_state ON batches (state, id);
CREATE INDEX batches_locked ON batches (tag) WHERE gate = 'locked';
CREATE INDEX batches_to_embed ON batches (id) WHERE embed = 'due';

CREATE TABLE happenings (
  id     INTEGER PRIMARY KEY,
  tag    TEXT NOT NULL,
  at     INTEGER NOT NULL,
  what   TEXT NOT NULL,
  detail TEXT NOT NULL -- JSON object
) STRICT;
CREATE INDEX happenings_by_tag ON happenings (tag, id);

-- Messages that were published, in that order.
CREATE TABLE ingest_events (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  channel     TEXT NOT NULL,
  message     TEXT NOT NULL,
  ts          REAL NOT NULL, -- seconds since 1970, as the message says
  event       TEXT,
  batch_tag   TEXT,
  status      TEXT,
  processed   INTEGER,
  bytes       INTEGER,
  count       INTEGER,
  pii         INTEGER,
  received_at INTEGER NOT NULL,
  told        INTEGER NOT NULL -- 0 while it has still to be told over Redis, by this server itself
) STRICT;
CREATE INDEX ingest_events_of_batch ON ingest_events (batch_tag, event) WHERE batch_tag IS NOT NULL;
CREATE INDEX ingest_events_untold ON ingest_events (seq) WHERE told = 0;

-- Messages of batches that are locked: published when they are unlocked.
CREATE TABLE held_events (
  id        INTEGER PRIMARY KEY,
  batch_tag TEXT NOT NULL,
  channel   TEXT NOT NULL,
  message   TEXT NOT NULL,
  UNIQUE (batch_tag, channel, message)
) STRICT;
