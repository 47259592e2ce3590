-- Leaves below are in a rollup, made or due, or were sealed while the stream had none.
ALTER TABLE streams ADD COLUMN rolled_up INTEGER NOT NULL DEFAULT 0;

-- Rollups that are to be made, in the order in which they came due.
CREATE TABLE due_rollups (
  id           INTEGER PRIMARY KEY,
  stream       TEXT NOT NULL,
  "start"      INTEGER NOT NULL, -- leaves, all in sealed packets
  "end"        INTEGER NOT NULL,
  window_start INTEGER NOT NULL, -- milliseconds since 1970
  window_end   INTEGER NOT NULL,
  config       TEXT NOT NULL     -- in force when it came due
) STRICT;

-- In the order in which they came due, too.
CREATE TABLE rollups (
  id           INTEGER PRIMARY KEY,
  version_id   TEXT NOT NULL UNIQUE,
  stream       TEXT NOT NULL,
  "start"      INTEGER NOT NULL,
  "end"        INTEGER NOT NULL,
  window_start INTEGER NOT NULL,
  window_end   INTEGER NOT NULL,
  content_hash TEXT NOT NULL,
  manifest     TEXT NOT NULL,
  sealed_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX rollups_by_stream ON rollups (stream, id);
CREATE INDEX rollups_by_content ON rollups (content_hash);
