-- A signal may support or contradict another detection: keep which, so that the score of its case can be told again.
ALTER TABLE case_signals ADD COLUMN about text;
