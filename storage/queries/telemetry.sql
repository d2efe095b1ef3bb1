-- name: merge_counts
-- Add runs of stored numbers to what is known of each device and boot; a repeat changes nothing.
INSERT INTO device_counts AS c (home_id, device_id, boot, stored, last_at)
SELECT home_id, device_id, boot, range_agg(int8range(from_seq, to_seq, '[]')), to_timestamp(max(last_at_s))
  FROM unnest(%(home_ids)s::text[], %(device_ids)s::text[], %(boots)s::bigint[], %(from_seqs)s::bigint[], %(to_seqs)s::bigint[],
              %(last_at_s)s::double precision[]) AS runs (home_id, device_id, boot, from_seq, to_seq, last_at_s)
 GROUP BY home_id, device_id, boot
 ORDER BY home_id, device_id, boot
    ON CONFLICT (home_id, device_id, boot) DO UPDATE
   SET stored = c.stored + excluded.stored, last_at = greatest(c.last_at, excluded.last_at);

-- name: merge_refused
-- Numbers that went to dead letters: they are no gaps.
INSERT INTO device_counts AS c (home_id, device_id, boot, refused)
SELECT home_id, device_id, boot, range_agg(int8range(seq, seq, '[]'))
  FROM unnest(%(home_ids)s::text[], %(device_ids)s::text[], %(boots)s::bigint[], %(seqs)s::bigint[]) AS refused (home_id, device_id, boot, seq)
 GROUP BY home_id, device_id, boot
 ORDER BY home_id, device_id, boot
    ON CONFLICT (home_id, device_id, boot) DO UPDATE
   SET refused = c.refused + excluded.refused;

-- name: merge_told
-- The highest number that each device said it had sent: what is missing up to there is a gap too.
INSERT INTO device_counts AS c (home_id, device_id, boot, told_seq)
SELECT home_id, device_id, boot, max(seq)
  FROM unnest(%(home_ids)s::text[], %(device_ids)s::text[], %(boots)s::bigint[], %(seqs)s::bigint[]) AS told (home_id, device_id, boot, seq)
 GROUP BY home_id, device_id, boot
 ORDER BY home_id, device_id, boot
    ON CONFLICT (home_id, device_id, boot) DO UPDATE
   SET told_seq = greatest(c.told_seq, excluded.told_seq);

-- name: merge_seen
-- First and last sign of each device; one that nobody has registered is listed as unbound.
INSERT INTO devices AS d (home_id, device_id, bound, first_seen_at, last_seen_at, source)
SELECT home_id, device_id, false, to_timestamp(first_at_s), to_timestamp(last_at_s), source
  FROM unnest(%(home_ids)s::text[], %(device_ids)s::text[], %(first_at_s)s::double precision[], %(last_at_s)s::double precision[],
              %(sources)s::text[]) AS seen (home_id, device_id, first_at_s, last_at_s, source)
 ORDER BY home_id, device_id
    ON CONFLICT (home_id, device_id) DO UPDATE
   SET first_seen_at = least(d.first_seen_at, excluded.first_seen_at), last_seen_at = greatest(d.last_seen_at, excluded.last_seen_at),
       source = excluded.source;

-- name: mark_rollups
-- Hours whose roll-up is out of date from now on.
INSERT INTO rollup_due AS d (kind, home_id, hour_at)
SELECT kind, home_id, to_timestamp(hour_at_s)
  FROM unnest(%(kinds)s::text[], %(home_ids)s::text[], %(hour_at_s)s::double precision[]) AS marks (kind, home_id, hour_at_s)
 ORDER BY kind, home_id, hour_at_s
    ON CONFLICT (kind, home_id, hour_at) DO UPDATE
   SET touched_at = now();

-- name: merge_source
-- How far a source's statements in one partition reach.
INSERT INTO sources AS s (source, partition, clock, watched_until_at, heard_at)
VALUES (%(source)s, %(partition)s, %(clock)s, to_timestamp(%(watched_until_s)s::double precision), to_timestamp(%(heard_at_s)s::double precision))
    ON CONFLICT (source, partition) DO UPDATE
   SET clock = excluded.clock, watched_until_at = greatest(s.watched_until_at, excluded.watched_until_at), heard_at = greatest(s.heard_at, excluded.heard_at);

-- name: note_unwatched
-- Time in which nobody was watching a source's homes.
INSERT INTO unwatched AS u (source, from_at, to_at)
VALUES (%(source)s, to_timestamp(%(from_s)s::double precision), to_timestamp(%(to_s)s::double precision))
    ON CONFLICT (source, from_at) DO UPDATE
   SET to_at = greatest(u.to_at, excluded.to_at);

-- name: keep_letter
-- A refused payload with its reason.
INSERT INTO dead_letters (at, letter_id, stage, source, topic, account, reason, detail, boot, seq, size, payload)
VALUES (to_timestamp(%(at_s)s::double precision), %(letter_id)s, %(stage)s, %(source)s, %(topic)s, %(account)s, %(reason)s, %(detail)s, %(boot)s, %(seq)s,
        %(size)s, %(payload)s)
    ON CONFLICT (letter_id, at) DO NOTHING;

-- name: homes_with_corrected_rows
-- Homes where a device's own clock was set right: their rows are looked up twice, by both times.
SELECT DISTINCT home_id FROM row_identity WHERE isfinite(told_at) AND boot >= 0;

-- name: consumer_offsets
-- Where a consumer goes on reading.
SELECT topic, partition, next_offset FROM consumer_offsets WHERE consumer = %(consumer)s;

-- name: move_offset
-- A consumer has stored everything before this place; an offset never goes back.
INSERT INTO consumer_offsets AS o (consumer, topic, partition, next_offset)
VALUES (%(consumer)s, %(topic)s, %(partition)s, %(next_offset)s)
    ON CONFLICT (consumer, topic, partition) DO UPDATE
   SET next_offset = greatest(o.next_offset, excluded.next_offset);

-- name: letters_of_the_writer
-- Frames that could not be stored.
SELECT letter_id FROM dead_letters WHERE stage = 'writer';

-- name: reset_offset
-- The log is shorter than what was read: it was emptied, so reading begins anew.
DELETE FROM consumer_offsets WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s;

-- name: gaps_of_home
-- Missing numbers of a home's devices.
SELECT device_id, boot, from_seq, to_seq, missing, last_at FROM gaps WHERE home_id = %(home_id)s ORDER BY device_id, boot, from_seq;

-- name: gaps_of_homes
-- Homes with missing numbers, most first; `lost` are those too old to be listed one by one.
SELECT home_id, count(*) AS gaps, sum(missing) AS missing
  FROM gaps
 WHERE starts_with(home_id, %(home_prefix)s)
 GROUP BY home_id
 ORDER BY missing DESC, home_id
 LIMIT %(at_most)s;

-- name: counted_total
-- Numbers stored, refused and missing over all homes whose id begins so: sent = stored + refused + missing.
SELECT coalesce(sum(stored), 0)::bigint AS stored, coalesce(sum(refused), 0)::bigint AS refused, coalesce(sum(missing), 0)::bigint AS missing
  FROM (SELECT (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(c.stored) AS r) - c.lost AS stored,
               (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(c.refused - c.stored) AS r) AS refused,
               c.lost + (SELECT coalesce(sum(g.missing), 0) FROM gaps AS g
                          WHERE g.home_id = c.home_id AND g.device_id = c.device_id AND g.boot = c.boot) AS missing
          FROM device_counts AS c
         WHERE starts_with(c.home_id, %(home_prefix)s)) AS counted;

-- name: dead_letters_of
-- The newest refused payloads of accounts that begin so.
SELECT at, stage, source, topic, account, reason, detail, boot, seq, size, payload
  FROM dead_letters
 WHERE starts_with(account, %(account_prefix)s)
 ORDER BY at DESC
 LIMIT %(at_most)s;

-- name: dead_letters_by_reason
-- How many payloads were refused since then, by reason.
SELECT reason, count(*) AS letters, max(at) AS last_at FROM dead_letters WHERE stored_at >= %(since)s GROUP BY reason ORDER BY letters DESC;
