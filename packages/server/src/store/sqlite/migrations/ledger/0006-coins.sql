-- Outputs that pay to the anchor key: brought in by the operator, or change of an anchor transaction.
CREATE TABLE coins (
  txid      TEXT NOT NULL,
  vout      INTEGER NOT NULL,
  chain     TEXT NOT NULL,
  owner     TEXT NOT NULL,    -- public key that it pays to, hex
  satoshis  INTEGER NOT NULL,
  spent_by  TEXT,             -- submission that spends it and has not failed
  contested INTEGER NOT NULL, -- 1: a transaction that spent it has failed, or so it was said
  doubts    INTEGER NOT NULL, -- times that the network would not have it spent
  aside     INTEGER NOT NULL, -- 1: not to be spent any more
  PRIMARY KEY (txid, vout)
) STRICT, WITHOUT ROWID;
CREATE INDEX free_coins ON coins (chain, owner, contested DESC, satoshis DESC) WHERE spent_by IS NULL AND aside = 0;
CREATE INDEX spent_coins ON coins (spent_by) WHERE spent_by IS NOT NULL;
