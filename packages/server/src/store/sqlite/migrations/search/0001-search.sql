-- Derived from the ledger, but for the vectors that a model has made.
CREATE TABLE streams (
  stream     TEXT PRIMARY KEY,
  settings   TEXT NOT NULL,    -- JSON: what of a payload is indexed; with others, the stream is indexed anew
  next       INTEGER NOT NULL, -- every leaf below is in the index, if it belongs there
  version_id TEXT              -- of the packet that holds the leaf before `next`
) STRICT, WITHOUT ROWID;

-- The newest certified version of each event that has text.
CREATE TABLE records (
  id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: vectors may come for what is gone by then
  stream     TEXT NOT NULL,
  leaf       INTEGER NOT NULL,
  event_id   BLOB NOT NULL,
  seq        INTEGER NOT NULL, -- the greater one is the newer version
  event_time INTEGER NOT NULL, -- milliseconds since 1970
  text       TEXT NOT NULL,
  refused    TEXT              -- why the vector that came with it was not taken
) STRICT;

CREATE UNIQUE INDEX records_by_leaf ON records (stream, leaf);
CREATE UNIQUE INDEX records_by_event ON records (event_id, stream);

CREATE TABLE vectors (
  id     INTEGER PRIMARY KEY, -- of the record
  model  TEXT,                -- that made it; none where it came with the event
  vector BLOB NOT NULL        -- 32-bit floats, little-endian
) STRICT;

CREATE VIRTUAL TABLE words USING fts5 (
  text, content = 'records', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
-- What is deleted is taken out of the inverted index at once, not when segments happen to be merged.
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
