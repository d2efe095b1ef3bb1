-- Rungs of the ladder that the desk of a case asked for by hand: they are told although somebody has the case. Empty again when it waits.
ALTER TABLE cases ADD COLUMN called_rungs smallint[] NOT NULL DEFAULT '{}';
