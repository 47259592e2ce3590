-- The batch that has begun on the stream and not ended, as JSON: its tag, its first leaf, and when it began.
ALTER TABLE streams ADD COLUMN batch TEXT;

-- Rollups of batches cover what came between beginning and end; those of windows have none.
ALTER TABLE due_rollups ADD COLUMN batch TEXT;
ALTER TABLE rollups ADD COLUMN batch TEXT;
CREATE UNIQUE INDEX rollups_by_batch ON rollups (batch) WHERE batch IS NOT NULL;
