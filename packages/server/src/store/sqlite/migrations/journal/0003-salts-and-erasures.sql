-- Of events on salted streams: 32 random bytes each, zeros once the event is erased.
ALTER TABLE entries ADD COLUMN salts BLOB;

-- What an operator has had erased.
CREATE TABLE erasures (
  position INTEGER PRIMARY KEY,     -- of the event
  entry    INTEGER NOT NULL UNIQUE, -- the word's own position
  "by"     TEXT NOT NULL,
  reason   TEXT NOT NULL,
  done     INTEGER NOT NULL DEFAULT 0 -- 1: nothing of the event is left, here and in the ledger
) STRICT;
CREATE INDEX erasures_to_do ON erasures (entry) WHERE done = 0;
