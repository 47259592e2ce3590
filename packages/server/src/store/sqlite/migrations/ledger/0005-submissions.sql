-- Transactions that carry commitments, from before they are sent.
CREATE TABLE submissions (
  txid    TEXT PRIMARY KEY,
  chain   TEXT NOT NULL,
  raw_tx  BLOB NOT NULL,
  made_at INTEGER NOT NULL,
  state   TEXT NOT NULL, -- made | sent | mined | failed
  reason  TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX open_submissions ON submissions (made_at) WHERE state IN ('made', 'sent');

CREATE TABLE commitments (
  version_id TEXT NOT NULL,
  txid       TEXT NOT NULL,
  vout       INTEGER NOT NULL,
  PRIMARY KEY (version_id, txid)
) STRICT, WITHOUT ROWID;
CREATE INDEX commitments_by_transaction ON commitments (txid, vout);

-- 1: its block has left the best chain; it proves nothing until it is mined again.
ALTER TABLE anchors ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
CREATE INDEX anchors_by_height ON anchors (height);
-- An anchor of a rollup has the "end" 0: it proves its parents alone.

-- Each leaf is in one rollup at the most.
CREATE INDEX rollups_by_end ON rollups (stream, "end");

-- Rollups that no anchor proves.
CREATE TABLE unanchored_rollups (
  version_id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
INSERT INTO unanchored_rollups SELECT version_id FROM rollups;

-- Witnesses' signatures of checkpoints, to be appended to the note.
CREATE TABLE cosignatures (
  version_id TEXT NOT NULL, -- of the packet whose checkpoint it is
  witness    TEXT NOT NULL, -- name of its key
  line       TEXT NOT NULL,
  PRIMARY KEY (version_id, witness)
) STRICT, WITHOUT ROWID;
