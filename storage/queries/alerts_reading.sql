-- name: offsets_of_reader
-- Where a reader goes on.
SELECT topic, partition, next_offset FROM consumer_offsets WHERE consumer = %(consumer)s;

-- name: move_reader
-- A reader is past this record; written in the transaction of what it read.
INSERT INTO consumer_offsets (consumer, topic, partition, next_offset)
VALUES (%(consumer)s, %(topic)s, %(partition)s, %(next_offset)s)
ON CONFLICT (consumer, topic, partition) DO UPDATE SET next_offset = EXCLUDED.next_offset;

-- name: keep_progress
-- How far the stream's workers are; moved_at stays where stream time did not go on. What stands there from a future that never came gives way.
INSERT INTO pipeline (stream_group, lane, partition, source, clock, worker, watched_until_at, moved_at, seen_at, next_offset, lag)
SELECT * FROM unnest(
       %(groups)s::text[], %(lanes)s::text[], %(partitions)s::integer[], %(sources)s::text[], %(clocks)s::text[], %(workers)s::text[],
       %(watched)s::timestamptz[], %(seen)s::timestamptz[], %(seen)s::timestamptz[], %(offsets)s::bigint[], %(lags)s::bigint[])
ON CONFLICT (stream_group, partition, source) DO UPDATE
   SET lane = EXCLUDED.lane, clock = EXCLUDED.clock, worker = EXCLUDED.worker, seen_at = EXCLUDED.seen_at,
       moved_at = CASE WHEN EXCLUDED.watched_until_at IS DISTINCT FROM pipeline.watched_until_at
                       THEN EXCLUDED.seen_at ELSE pipeline.moved_at END,
       watched_until_at = EXCLUDED.watched_until_at, next_offset = EXCLUDED.next_offset, lag = EXCLUDED.lag
 WHERE pipeline.seen_at <= EXCLUDED.seen_at OR pipeline.seen_at > %(soon)s;

-- name: pipeline_rows
-- How far each worker is with each partition and source.
SELECT stream_group, lane, partition, source, clock, worker, watched_until_at, moved_at, seen_at, next_offset, lag
  FROM pipeline ORDER BY lane, source, partition, stream_group;
