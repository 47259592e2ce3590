-- Manifests that were submitted, in the order in which they came.
CREATE TABLE versions (
  id           INTEGER PRIMARY KEY,
  version_id   TEXT NOT NULL UNIQUE,
  dataset_id   TEXT NOT NULL,
  producer     TEXT NOT NULL,    -- identity key; '' for none
  created_at   INTEGER NOT NULL, -- as the manifest says; milliseconds since 1970
  submitted_at INTEGER NOT NULL,
  description  TEXT NOT NULL,
  tags         TEXT NOT NULL,    -- JSON list
  manifest     TEXT NOT NULL
) STRICT;

CREATE TABLE datasets (
  dataset_id TEXT NOT NULL,
  producer   TEXT NOT NULL,
  newest     TEXT NOT NULL, -- versionId
  created_at INTEGER NOT NULL,
  PRIMARY KEY (dataset_id, producer)
) STRICT, WITHOUT ROWID;

-- `filters` has one word for the dataset's id and one for each tag, so that one query asks for all.
CREATE VIRTUAL TABLE search USING fts5 (words, filters, content = '', columnsize = 0, prefix = '2 3');

-- Transactions that carry a version in one of their outputs.
CREATE TABLE transactions (
  txid   TEXT PRIMARY KEY,
  raw_tx BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE carriers (
  id         INTEGER PRIMARY KEY,
  version_id TEXT NOT NULL,
  txid       TEXT NOT NULL,
  vout       INTEGER NOT NULL,
  UNIQUE (version_id, txid)
) STRICT;

-- After a reorganization a transaction may be in another block.
CREATE TABLE proofs (
  txid       TEXT NOT NULL,
  block_hash TEXT NOT NULL,
  chain      TEXT NOT NULL,
  height     INTEGER NOT NULL,
  envelope   TEXT NOT NULL, -- SPV envelope, JSON
  PRIMARY KEY (txid, block_hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE advisories (
  id            INTEGER PRIMARY KEY,
  version_id    TEXT NOT NULL,
  type          TEXT NOT NULL, -- BLOCK | WARN
  recalled      INTEGER NOT NULL,
  superseded_by TEXT,
  reason        TEXT NOT NULL,
  expires_at    INTEGER,
  author        TEXT NOT NULL, -- identity key | admin | anyone
  signed        TEXT,          -- the signed request, JSON
  created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX advisories_by_version ON advisories (version_id, id);
CREATE INDEX advisories_by_author ON advisories (version_id, author);

-- How much room the additions of each contributor take.
CREATE TABLE shares (
  contributor TEXT PRIMARY KEY,
  bytes       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
