-- The block that everything here links to. One row.
CREATE TABLE pin (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  chain      TEXT NOT NULL,
  height     INTEGER NOT NULL,
  hash       BLOB NOT NULL,
  floor_bits INTEGER NOT NULL
) STRICT;

-- The chain with the most work, from the pinned block on. Looked up by the last four bytes of the shown hash, and then
-- by the hash of the header itself: an index of whole hashes is what an initial load would spend its time on.
CREATE TABLE best (
  height INTEGER PRIMARY KEY,
  key    INTEGER NOT NULL,
  work   BLOB NOT NULL, -- from the pin on; 32 bytes, big-endian
  header BLOB -- 80 bytes; absent in the pinned block until it is given
) STRICT;
CREATE INDEX best_by_key ON best (key);

-- The blocks of all other branches.
CREATE TABLE side (
  hash   BLOB PRIMARY KEY, -- as shown
  height INTEGER NOT NULL,
  fork   INTEGER NOT NULL, -- height of the block of the best chain that the branch grows from
  work   BLOB NOT NULL,
  header BLOB NOT NULL
) STRICT, WITHOUT ROWID;
