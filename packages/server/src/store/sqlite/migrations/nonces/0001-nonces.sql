-- IF NOT EXISTS: processes that share the directory may come to this at the same time.
CREATE TABLE IF NOT EXISTS nonces (
  id    BLOB PRIMARY KEY, -- SHA-256 of key and nonce
  until INTEGER           -- milliseconds since 1970; NULL: for good
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS nonces_until ON nonces (until) WHERE until IS NOT NULL;
