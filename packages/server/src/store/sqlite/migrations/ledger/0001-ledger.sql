-- Where the pipeline stands: every journaled item below `position` is in the ledger.
CREATE TABLE cursor (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  position INTEGER NOT NULL
) STRICT;
INSERT INTO cursor VALUES (1, 1);

CREATE TABLE streams (
  stream   TEXT PRIMARY KEY,
  consumed INTEGER NOT NULL, -- journal items of this stream below this position are in its sealed packets
  size     INTEGER NOT NULL, -- leaves
  head     TEXT,             -- versionId of the newest packet
  through  TEXT NOT NULL,    -- JSON {source: seq}
  config   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The order in which readers see things happen; `count` positions each.
CREATE TABLE entries (
  first      INTEGER PRIMARY KEY,
  count      INTEGER NOT NULL,
  kind       TEXT NOT NULL, -- packet | anchor
  version_id TEXT NOT NULL
) STRICT;

CREATE TABLE packets (
  version_id   TEXT PRIMARY KEY,
  stream       TEXT NOT NULL,
  "start"      INTEGER NOT NULL,
  "end"        INTEGER NOT NULL,
  content_hash TEXT NOT NULL,
  manifest     TEXT NOT NULL,
  checkpoint   TEXT NOT NULL,
  offsets      BLOB NOT NULL, -- where each line of the content ends, u32 little-endian
  sealed_at    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX packets_by_end ON packets (stream, "end");
CREATE INDEX packets_by_content ON packets (content_hash);

-- Journal items [first, first + count) are the leaves [leaf, leaf + count) of the stream.
CREATE TABLE placements (
  first  INTEGER PRIMARY KEY,
  count  INTEGER NOT NULL,
  stream TEXT NOT NULL,
  leaf   INTEGER NOT NULL
) STRICT;
CREATE INDEX placements_by_leaf ON placements (stream, leaf);

CREATE TABLE quarantine (
  position INTEGER PRIMARY KEY,
  stream   TEXT NOT NULL,
  leaf     INTEGER NOT NULL,
  reasons  TEXT NOT NULL
) STRICT;

CREATE TABLE policies (
  hash   TEXT PRIMARY KEY,
  policy TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Complete subtrees of the log, 256 hashes a row as in C2SP tlog-tiles; the last tile of a level may be partial.
CREATE TABLE tiles (
  stream TEXT NOT NULL,
  level  INTEGER NOT NULL,
  idx    INTEGER NOT NULL,
  hashes BLOB NOT NULL,
  PRIMARY KEY (stream, level, idx)
) STRICT;

-- One transaction carries the anchors of many streams.
CREATE TABLE transactions (
  txid     TEXT PRIMARY KEY,
  envelope TEXT NOT NULL -- SPV envelope, JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE anchors (
  version_id TEXT PRIMARY KEY,
  stream     TEXT NOT NULL,
  "end"      INTEGER NOT NULL,
  chain      TEXT NOT NULL,
  vout       INTEGER NOT NULL,
  txid       TEXT NOT NULL,
  height     INTEGER NOT NULL
) STRICT;
CREATE INDEX anchors_by_end ON anchors (stream, "end");
