-- name: api_resident_to_open
-- Whom somebody asks for by id or by telephone number (its last 11 digits), in any area.
SELECT r.resident_id, r.name, r.home_id, h.area_code
  FROM residents AS r JOIN homes AS h USING (home_id)
 WHERE h.removed_at IS NULL
   AND (r.resident_id = %(asked)s
        OR r.phone <> '' AND length(%(digits)s::text) >= 7 AND right(regexp_replace(r.phone, '\D', '', 'g'), 11) = right(%(digits)s::text, 11))
 ORDER BY r.resident_id
 LIMIT 2;

-- name: api_open_glass
-- A record outside of one's area is open for a while. Whoever has it open already keeps that opening.
WITH living AS (
    SELECT * FROM break_glass
     WHERE user_name = %(user_name)s AND resident_id = %(resident_id)s AND ended_at IS NULL AND ends_at > %(now)s::timestamptz
     ORDER BY ends_at DESC LIMIT 1
), made AS (
    INSERT INTO break_glass (user_name, user_area, resident_id, home_id, area_code, reason, opened_at, ends_at)
    SELECT %(user_name)s, %(user_area)s, %(resident_id)s, %(home_id)s, %(area_code)s, %(reason)s, %(now)s::timestamptz,
           %(now)s::timestamptz + %(minutes)s * interval '1 minute'
     WHERE NOT EXISTS (SELECT FROM living)
    RETURNING *
)
SELECT opening_id, user_name, resident_id, home_id, area_code, reason, opened_at, ends_at, ended_at, ended_by, true AS new FROM made
UNION ALL
SELECT opening_id, user_name, resident_id, home_id, area_code, reason, opened_at, ends_at, ended_at, ended_by, false FROM living;

-- name: api_openings
-- Openings newest first, a page at a time: one's own; for a supervisor also of residents and of users of the area. The name is for those who see the resident.
SELECT b.opening_id, b.user_name, b.resident_id, r.name, b.home_id, b.area_code, b.reason, b.opened_at, b.ends_at, b.ended_at, b.ended_by
  FROM break_glass AS b LEFT JOIN residents AS r USING (resident_id)
 WHERE (b.user_name = %(user_name)s
        OR %(supervises)s::boolean AND (starts_with(b.area_code, %(area_prefix)s) OR starts_with(b.user_area, %(area_prefix)s)))
   AND (%(before)s::bigint IS NULL OR b.opening_id < %(before)s::bigint)
 ORDER BY b.opening_id DESC
 LIMIT %(most)s;

-- name: api_end_opening
-- Over before its time. No row back: it is over already, or it is nobody's whom this user may stop.
UPDATE break_glass AS b SET ended_at = %(now)s::timestamptz, ended_by = %(user_name)s
 WHERE b.opening_id = %(opening_id)s AND b.ended_at IS NULL AND b.ends_at > %(now)s::timestamptz
   AND (b.user_name = %(user_name)s
        OR %(supervises)s::boolean AND (starts_with(b.area_code, %(area_prefix)s) OR starts_with(b.user_area, %(area_prefix)s)))
RETURNING b.resident_id, b.home_id;

-- name: api_views
-- Who looked at records of an area's residents, newest first, a page at a time; and what its own people listed.
SELECT a.audit_id, a.at, a.actor, a.action, a.case_id, a.home_id, a.facts->'residents' AS residents, coalesce(a.facts->>'right', '') AS by_right,
       coalesce(a.facts->>'words', '') AS words
  FROM audit AS a LEFT JOIN homes AS h ON h.home_id = a.home_id
 WHERE a.action IN ('viewed', 'listed_residents') AND a.at > %(since)s AND (%(before)s::timestamptz IS NULL OR a.at < %(before)s::timestamptz)
   AND (starts_with(h.area_code, %(area_prefix)s) OR a.action = 'listed_residents' AND starts_with(a.facts->>'area', %(area_prefix)s))
   AND (%(resident_id)s::text IS NULL OR a.facts->'residents' ? %(resident_id)s::text)
   AND (%(actor)s::text IS NULL OR a.actor = %(actor)s::text)
 ORDER BY a.at DESC, a.audit_id DESC
 LIMIT %(most)s;
