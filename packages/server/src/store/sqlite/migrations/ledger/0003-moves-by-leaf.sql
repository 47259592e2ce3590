-- What was let out of quarantine is found from its new leaf.
CREATE INDEX moves_by_leaf ON moves (stream, leaf);
