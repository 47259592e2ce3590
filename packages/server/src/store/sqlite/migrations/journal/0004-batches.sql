-- Where batches begin and end: their entries say no more than that there is a mark.
CREATE TABLE batch_marks (
  entry  INTEGER PRIMARY KEY, -- the mark's own position
  batch  TEXT NOT NULL,
  action TEXT NOT NULL,       -- open | end
  UNIQUE (batch, action)
) STRICT;
