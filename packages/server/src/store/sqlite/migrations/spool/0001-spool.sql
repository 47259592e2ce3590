CREATE TABLE runs (
  id          INTEGER PRIMARY KEY,
  tag         TEXT NOT NULL UNIQUE,
  state       TEXT NOT NULL,    -- planned | moved | open | replayed | ended | certified | done
  pii         INTEGER NOT NULL, -- 0: not marked | 1: marked as a whole | 2: by a record
  bytes       INTEGER NOT NULL, -- of its files
  count       INTEGER NOT NULL, -- of its files
  at_file     INTEGER NOT NULL, -- up to this record of this file, all is acknowledged
  at_record   INTEGER NOT NULL,
  taken       INTEGER NOT NULL, -- records that the server has, those it knew before too
  duplicates  INTEGER NOT NULL,
  rejected    INTEGER NOT NULL,
  attempts    INTEGER NOT NULL, -- how often its replay was begun
  resent      INTEGER NOT NULL, -- records may have been sent twice, so the second time as duplicates
  status      TEXT,             -- success | failed, once it is known
  reason      TEXT,
  version_id  TEXT,
  stream      TEXT,
  locked      INTEGER NOT NULL, -- whether embedding waits for an administrator
  created_at  INTEGER NOT NULL  -- milliseconds since 1970
) STRICT;

CREATE INDEX runs_unfinished ON runs (id) WHERE state <> 'done';

CREATE TABLE files (
  run      INTEGER NOT NULL,
  position INTEGER NOT NULL,
  name     TEXT NOT NULL,
  size     INTEGER NOT NULL,
  mtime    TEXT NOT NULL,       -- nanoseconds since 1970
  error    TEXT,                -- why it could not be read to its end
  hint     TEXT,
  PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE rejections (
  run    INTEGER NOT NULL,
  file   INTEGER NOT NULL,
  record INTEGER NOT NULL,
  error  TEXT NOT NULL,
  hint   TEXT NOT NULL,
  PRIMARY KEY (run, file, record)
) STRICT, WITHOUT ROWID;

-- What the world is still to be told, in this order.
CREATE TABLE notices (
  seq     INTEGER PRIMARY KEY AUTOINCREMENT,
  tag     TEXT NOT NULL,
  channel TEXT NOT NULL,
  message TEXT NOT NULL,        -- JSON
  held    INTEGER NOT NULL      -- until the batch is unlocked; nothing waits for it
) STRICT;
