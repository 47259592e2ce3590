CREATE TABLE blocks (
  height   INTEGER PRIMARY KEY,
  hash     TEXT NOT NULL UNIQUE,
  header   BLOB NOT NULL,
  coinbase BLOB NOT NULL,
  anchor   BLOB -- the one other transaction; absent in the first block
) STRICT;
