-- name: api_pipeline
-- How far each worker group is in each partition, for sources whose clock runs on (a replay's ends with its recording; the keeper's has no name and no clock).
SELECT stream_group, lane, partition, source, clock, watched_until_at, moved_at, lag
  FROM pipeline
 WHERE clock <> 'recorded' AND source <> '' AND moved_at > %(since)s
 ORDER BY stream_group, lane, source, partition;

-- name: api_writer
-- When the writer last stored what a bridge had stated (Kafka's wall clock).
SELECT max(heard_at) AS heard_at FROM sources;

-- name: api_outbox
-- The oldest change of a case that has not been told yet.
SELECT min(made_at) AS made_at FROM outbox WHERE sent_at IS NULL;
