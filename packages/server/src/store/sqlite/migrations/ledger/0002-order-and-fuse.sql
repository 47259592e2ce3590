-- Where the order & fuse stage of a stream goes on after a restart: from this journal position, with this state, and
-- with the leaf of this index as the next.
CREATE TABLE stages (
  stream   TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  leaf     INTEGER NOT NULL,
  state    TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;

-- What was noticed of events that are certified all the same.
CREATE TABLE notes (
  position INTEGER NOT NULL,
  leaf     INTEGER NOT NULL,
  stream   TEXT NOT NULL,
  notes    TEXT NOT NULL, -- JSON list
  PRIMARY KEY (position, leaf)
) STRICT, WITHOUT ROWID;

-- Further leaves of journal items that had one already: inputs of a corrected decision, events let out of quarantine.
CREATE TABLE moves (
  position INTEGER NOT NULL,
  leaf     INTEGER NOT NULL,
  stream   TEXT NOT NULL,
  PRIMARY KEY (position, leaf)
) STRICT, WITHOUT ROWID;

-- Audit entries of fusion decisions, in the order in which they were sealed.
CREATE TABLE decisions (
  id       INTEGER PRIMARY KEY,
  decision TEXT NOT NULL, -- SHA-256 of the audit entry, which the leaf names
  stream   TEXT NOT NULL,
  leaf     INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  conflict INTEGER NOT NULL, -- 1: the sources did not all say the same
  audit    TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_by_leaf ON decisions (stream, leaf);
CREATE INDEX decisions_by_event ON decisions (event_id);
CREATE INDEX decisions_by_hash ON decisions (decision);
CREATE INDEX conflicts ON decisions (id) WHERE conflict = 1;
CREATE INDEX conflicts_by_stream ON decisions (stream, id) WHERE conflict = 1;
