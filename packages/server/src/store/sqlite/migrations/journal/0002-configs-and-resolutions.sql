-- The configuration in force at a position is asked for by stream.
CREATE INDEX entries_of_configs ON entries (stream, first) WHERE kind = 'config';

-- What an operator has decided about events in quarantine: one word about an event.
CREATE TABLE resolutions (
  position INTEGER PRIMARY KEY,     -- of the event
  entry    INTEGER NOT NULL UNIQUE, -- the word's own position
  action   TEXT NOT NULL,           -- release | discard
  "by"     TEXT NOT NULL,
  reason   TEXT NOT NULL
) STRICT;
