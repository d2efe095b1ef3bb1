-- name: home_now
-- The time in a home: what its source has stated, or the wall clock where that is the source's, or none is known.
SELECT coalesce((SELECT CASE WHEN s.clock = 'wall' THEN %(now)s::timestamptz ELSE max(s.watched_until_at) END
                   FROM devices AS d JOIN sources AS s USING (source)
                  WHERE d.home_id = %(home_id)s AND d.last_seen_at IS NOT NULL
                  GROUP BY d.last_seen_at, s.clock ORDER BY d.last_seen_at DESC LIMIT 1), %(now)s::timestamptz) AS at;

-- name: put_home_notice
-- Somebody will be away, or a visitor comes.
INSERT INTO home_notices (home_id, resident_id, kind, everybody, from_at, until_at, note, made_by, made_at)
VALUES (%(home_id)s, %(resident_id)s, %(kind)s, %(everybody)s, %(from_at)s, %(until_at)s, %(note)s, %(by)s, %(now)s)
RETURNING notice_id;

-- name: cancel_home_notice
-- It is not so any more. No row back: there is no such notice, or somebody was faster.
UPDATE home_notices SET cancelled_at = %(now)s, cancelled_by = %(by)s
 WHERE notice_id = %(notice_id)s AND home_id = %(home_id)s AND cancelled_at IS NULL
RETURNING notice_id;

-- name: home_notices
-- Notices about a resident that are in force or to come.
SELECT notice_id, kind, everybody, from_at, until_at, note, made_by FROM home_notices
 WHERE home_id = %(home_id)s AND resident_id = %(resident_id)s AND cancelled_at IS NULL AND until_at > %(here)s
 ORDER BY from_at, notice_id;

-- name: end_home_notice
-- Whatever is in force ends here; what other notices say is put in force again after this.
UPDATE homes SET away_until = least(away_until, %(here)s::timestamptz), visitor_until = least(visitor_until, %(here)s::timestamptz)
 WHERE home_id = %(home_id)s;

-- name: apply_home_notices
-- Put in force what has begun on the home's own clock. An absence counts where nobody stays behind.
WITH said AS (
    SELECT n.home_id, n.kind, n.from_at, n.until_at
      FROM home_notices AS n
     WHERE n.cancelled_at IS NULL AND (%(home_ids)s::text[] IS NULL OR n.home_id = ANY(%(home_ids)s::text[]))
       AND (n.kind = 'visitor' OR n.everybody OR NOT EXISTS (
            SELECT FROM residents AS r WHERE r.home_id = n.home_id AND r.resident_id <> n.resident_id))
       AND n.until_at > (SELECT least(%(now)s::timestamptz, min(watched_until_at) FILTER (WHERE clock <> 'wall')) FROM sources)
), begun AS (
    SELECT s.home_id, max(s.until_at) FILTER (WHERE s.kind = 'away') AS away_until, max(s.until_at) FILTER (WHERE s.kind = 'visitor') AS visitor_until
      FROM said AS s
     CROSS JOIN LATERAL (
           SELECT coalesce((SELECT CASE WHEN c.clock = 'wall' THEN %(now)s::timestamptz ELSE max(c.watched_until_at) END
                              FROM devices AS d JOIN sources AS c USING (source)
                             WHERE d.home_id = s.home_id AND d.last_seen_at IS NOT NULL
                             GROUP BY d.last_seen_at, c.clock ORDER BY d.last_seen_at DESC LIMIT 1), %(now)s::timestamptz) AS at) AS here
     WHERE s.from_at <= here.at AND here.at < s.until_at
     GROUP BY s.home_id
)
UPDATE homes AS h
   SET away_until = coalesce(b.away_until, h.away_until), visitor_until = coalesce(b.visitor_until, h.visitor_until)
  FROM begun AS b
 WHERE h.home_id = b.home_id AND h.removed_at IS NULL
   AND (coalesce(b.away_until, h.away_until) IS DISTINCT FROM h.away_until OR coalesce(b.visitor_until, h.visitor_until) IS DISTINCT FROM h.visitor_until)
RETURNING h.home_id;
