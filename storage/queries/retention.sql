-- name: timescale_license
-- `apache` (Debian's package: hypertables only) or `timescale` (community: compression, policies, continuous aggregates).
SELECT coalesce(current_setting('timescaledb.license', true), 'apache') AS license;

-- name: compressed_hypertables
-- Hypertables whose compression has been set up (community edition only).
SELECT hypertable_name::text AS hypertable FROM timescaledb_information.hypertables WHERE compression_enabled;

-- name: drop_old_chunks
-- Remove chunks of a hypertable that were made before then, whatever the times in them: a replayed recording is new, though its readings are old.
SELECT drop_chunks(%(hypertable)s::regclass, created_before => now() - make_interval(days => %(days)s)) AS chunk;

-- name: forget_old_identities
-- Identities of corrected rows that can no longer be repeated.
DELETE FROM row_identity WHERE stored_at < now() - make_interval(days => %(days)s);

-- name: forget_old_counts
-- Counts of boots that have long ended; the newest boot of each device stays.
DELETE FROM device_counts AS c
 WHERE c.last_at < now() - make_interval(days => %(days)s)
   AND EXISTS (SELECT FROM device_counts AS n WHERE n.home_id = c.home_id AND n.device_id = c.device_id AND n.boot > c.boot);

-- name: settle_counts
-- Where a device lost so many single readings that its list of numbers grows without end: count the older gaps and stop listing them.
UPDATE device_counts AS c
   SET lost = c.lost + h.missing, stored = c.stored + int8multirange(int8range(h.first_seq, h.cut_seq)), settled_below = h.cut_seq
  FROM (SELECT home_id, device_id, boot, first_seq, cut_seq,
               (SELECT coalesce(sum(upper(hole) - lower(hole)), 0)
                  FROM unnest(int8multirange(int8range(first_seq, cut_seq)) - stored - refused) AS hole)::bigint AS missing
          FROM (SELECT d.home_id, d.device_id, d.boot, d.stored, d.refused,
                       greatest(d.settled_below, CASE WHEN lower(d.stored) > 1000 THEN lower(d.stored) ELSE 1 END) AS first_seq,
                       (SELECT lower(part) FROM unnest(d.stored) AS part ORDER BY part DESC OFFSET %(listed)s::bigint LIMIT 1) AS cut_seq
                  FROM device_counts AS d
                 WHERE pg_column_size(d.stored) > 1000  -- cheap, and no shorter one has as many runs
                   AND (SELECT count(*) FROM unnest(d.stored)) > 2 * %(listed)s::bigint) AS long
         WHERE cut_seq > first_seq) AS h
 WHERE c.home_id = h.home_id AND c.device_id = h.device_id AND c.boot = h.boot;
