-- name: canaries_send
-- Canaries that are about to leave. One that does not stand here is never raised.
INSERT INTO canaries (lane, partition, sent_at, home_id)
SELECT * FROM unnest(%(lanes)s::text[], %(partitions)s::integer[], %(sents)s::timestamptz[], %(homes)s::text[])
ON CONFLICT DO NOTHING;

-- name: canaries_raise
-- Detections of canaries came: note them and tell of them, in one statement, so that a twin that freezes holds none of them. The twin's, a repeat's and an invented one's do nothing.
WITH raised AS (
    UPDATE canaries AS c SET detected_at = g.detected_at, raised_at = %(now)s
      FROM unnest(%(lanes)s::text[], %(partitions)s::integer[], %(sents)s::timestamptz[], %(homes)s::text[], %(detecteds)s::timestamptz[],
                  %(keys)s::text[], %(values)s::bytea[]) AS g (lane, partition, sent_at, home_id, detected_at, key, value)
     WHERE c.lane = g.lane AND c.partition = g.partition AND c.sent_at = g.sent_at AND c.home_id = g.home_id AND c.raised_at IS NULL
    RETURNING g.key, g.value)
INSERT INTO outbox (topic, key, value, made_at, priority)
SELECT %(topic)s, key, value, %(now)s, %(priority)s FROM raised;

-- name: canary_see
-- A canary came to its end, and its signature is ours.
UPDATE canaries SET seen_at = %(seen_at)s WHERE lane = %(lane)s AND partition = %(partition)s AND sent_at = %(sent_at)s AND seen_at IS NULL;

-- name: canary_places
-- Of each lane and partition: when the newest canary that was seen had left, and the oldest after it that was not, of those since an instant.
SELECT l.lane, p.partition, s.seen_sent_at, m.missing_since
  FROM unnest(ARRAY['bulk', 'urgent']) AS l (lane)
 CROSS JOIN generate_series(0, %(partitions)s::integer - 1) AS p (partition)
  LEFT JOIN LATERAL (SELECT c.sent_at AS seen_sent_at FROM canaries AS c
                      WHERE c.lane = l.lane AND c.partition = p.partition AND c.seen_at IS NOT NULL
                      ORDER BY c.sent_at DESC LIMIT 1) AS s ON true
  LEFT JOIN LATERAL (SELECT c.sent_at AS missing_since FROM canaries AS c
                      WHERE c.lane = l.lane AND c.partition = p.partition AND c.sent_at > coalesce(greatest(s.seen_sent_at, %(since)s), %(since)s)
                        AND c.seen_at IS NULL
                      ORDER BY c.sent_at LIMIT 1) AS m ON true
 ORDER BY l.lane, p.partition;

-- name: forget_old_canaries
-- Canaries are kept some days, to look back at what stood and when.
DELETE FROM canaries WHERE sent_at < now() - make_interval(days => %(days)s);
