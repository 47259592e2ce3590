CREATE TABLE entries (
  first   INTEGER PRIMARY KEY,
  count   INTEGER NOT NULL,
  kind    TEXT NOT NULL,
  stream  TEXT NOT NULL,
  at      INTEGER NOT NULL,
  source  TEXT,
  seq     INTEGER,
  config  TEXT,
  headers BLOB,
  raw     BLOB
) STRICT;

CREATE INDEX entries_by_source ON entries (source, first) WHERE source IS NOT NULL;

CREATE TABLE sources (
  source TEXT PRIMARY KEY,
  seq    INTEGER NOT NULL,
  stream TEXT NOT NULL -- the one that the source feeds, for good
) STRICT, WITHOUT ROWID;

-- What the writer must know of each stream when it starts again: whether events wait for a cut, and the configuration.
CREATE TABLE stream_tails (
  stream      TEXT PRIMARY KEY,
  last_events INTEGER NOT NULL,
  last_cut    INTEGER NOT NULL,
  config      TEXT
) STRICT, WITHOUT ROWID;
