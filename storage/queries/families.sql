-- name: kin_token_used
-- Who is behind a token that holds at this moment; remembers the day of its use.
UPDATE kin_tokens AS t SET used_at = %(now)s
  FROM users AS u
 WHERE t.token_hash = %(token_hash)s AND t.ended_at IS NULL AND t.ends_at > %(now)s
   AND u.user_name = t.user_name AND u.active AND u.role = 'family' AND u.token_epoch = t.epoch
RETURNING u.user_name, u.display_name, t.scopes, t.ends_at,
          (SELECT homes FROM scope_of(u.user_name, %(now)s)) AS homes, (SELECT residents FROM scope_of(u.user_name, %(now)s)) AS residents;

-- name: put_kin_token
-- A new token of a family user.
INSERT INTO kin_tokens (token_id, user_name, name, token_hash, scopes, epoch, made_at, ends_at)
SELECT %(token_id)s, u.user_name, %(name)s, %(token_hash)s, %(scopes)s::text[], u.token_epoch, %(now)s, %(ends_at)s
  FROM users AS u WHERE u.user_name = %(user_name)s;

-- name: kin_tokens
-- A family user's tokens that hold.
SELECT t.token_id, t.name, t.scopes, t.made_at, t.ends_at, t.used_at
  FROM kin_tokens AS t JOIN users AS u USING (user_name)
 WHERE t.user_name = %(user_name)s AND t.ended_at IS NULL AND t.ends_at > %(now)s AND u.token_epoch = t.epoch
 ORDER BY t.made_at, t.token_id;

-- name: end_kin_token
-- It holds no more. No row back: it did not.
UPDATE kin_tokens SET ended_at = %(now)s
 WHERE token_id = %(token_id)s AND user_name = %(user_name)s AND ended_at IS NULL RETURNING token_id;

-- name: kin_lives
-- Open feeds whose session or token still holds.
SELECT f.feed
  FROM unnest(%(feeds)s::integer[], %(session_ids)s::text[], %(token_hashes)s::text[]) AS f (feed, session_id, token_hash)
 WHERE EXISTS (SELECT FROM sessions AS s JOIN users AS u USING (user_name)
                WHERE s.session_id = f.session_id AND s.ended_at IS NULL AND s.ends_at > %(now)s AND u.active AND u.token_epoch = s.epoch)
    OR EXISTS (SELECT FROM kin_tokens AS t JOIN users AS u USING (user_name)
                WHERE t.token_hash = f.token_hash AND t.ended_at IS NULL AND t.ends_at > %(now)s AND u.active AND u.token_epoch = t.epoch);

-- name: family_relatives
-- The residents of whom each of these family users may see something, with what: the consent of this moment, and no more of it than is allowed to the asking program.
SELECT f.feed, r.resident_id, r.name, r.home_id, h.area_code, h.zone, l.silence_min, h.away_until, h.visitor_until, s.scopes, lives_alone(r.home_id) AS lives_alone,
       (SELECT CASE WHEN count(*) = 0 THEN NULL ELSE bool_or(c.desk_id IS NOT NULL) END
          FROM cases AS c
         WHERE ((c.home_id = r.home_id AND (c.resident_id IS NULL OR c.resident_id = r.resident_id))
                OR c.case_id IN (SELECT d.case_id FROM detections AS d WHERE d.home_id = r.home_id AND d.detector = 'fever' AND d.case_id IS NOT NULL))
           AND NOT c.test AND c.family <> 'technical' AND c.priority <= 3
           AND c.handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST')) AS taken
  FROM unnest(%(feeds)s::integer[], %(user_names)s::text[], %(allowed)s::text[]) AS f (feed, user_name, allowed)
  JOIN kin_sees AS k USING (user_name) JOIN residents AS r USING (resident_id) JOIN homes AS h USING (home_id)
  LEFT JOIN learned_silences AS l USING (home_id)
 CROSS JOIN LATERAL (SELECT coalesce(array_agg(each ORDER BY each), '{}') AS scopes FROM unnest(k.scopes) AS each
                      WHERE each = ANY(string_to_array(f.allowed, ','))) AS s
 WHERE h.removed_at IS NULL AND cardinality(s.scopes) > 0
   AND (%(resident_id)s::text IS NULL OR r.resident_id = %(resident_id)s::text)
 ORDER BY f.feed, r.resident_id;

-- name: family_alerts
-- Open alerts that each of these family users may know of; who handles them and where it is only with consent for that.
SELECT f.feed, r.resident_id, c.case_id, c.family, c.priority, c.handling, c.raised_at, c.desk_id IS NOT NULL AS taken,
       CASE WHEN 'handler' = ANY(s.scopes) THEN coalesce(nullif(u.display_name, ''), c.desk_id) END AS handler,
       CASE WHEN 'address' = ANY(s.scopes) THEN h.address END AS address,
       CASE WHEN 'address' = ANY(s.scopes) THEN (SELECT g.evidence ->> 'room' FROM case_signals AS g WHERE g.case_id = c.case_id AND g.evidence ? 'room'
                                                  ORDER BY g.started_at, g.detection_id LIMIT 1) END AS room,
       (SELECT coalesce(array_agg(coalesce(nullif(v.display_name, ''), g.user_name) ORDER BY g.said_at), '{}')
          FROM kin_going AS g JOIN users AS v USING (user_name) WHERE g.case_id = c.case_id AND g.ended_at IS NULL) AS going,
       EXISTS (SELECT FROM kin_going AS g WHERE g.case_id = c.case_id AND g.user_name = f.user_name AND g.ended_at IS NULL) AS i_go
  FROM unnest(%(feeds)s::integer[], %(user_names)s::text[], %(allowed)s::text[]) AS f (feed, user_name, allowed)
  JOIN kin_sees AS k USING (user_name) JOIN residents AS r USING (resident_id) JOIN homes AS h USING (home_id)
 CROSS JOIN LATERAL (SELECT coalesce(array_agg(each), '{}') AS scopes FROM unnest(k.scopes) AS each WHERE each = ANY(string_to_array(f.allowed, ','))) AS s
  JOIN cases AS c ON ((c.home_id = r.home_id AND (c.resident_id IS NULL OR c.resident_id = r.resident_id))
                      OR c.case_id IN (SELECT d.case_id FROM detections AS d WHERE d.home_id = r.home_id AND d.detector = 'fever' AND d.case_id IS NOT NULL))
  LEFT JOIN users AS u ON u.user_name = c.desk_id
 WHERE 'alerts' = ANY(s.scopes) AND h.removed_at IS NULL
   AND (%(resident_id)s::text IS NULL OR r.resident_id = %(resident_id)s::text)
   AND (%(case_id)s::text IS NULL OR c.case_id = %(case_id)s::text)
   AND NOT c.test AND c.family <> 'technical' AND c.priority <= 3 AND c.handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST')
 ORDER BY f.feed, c.priority, c.raised_at, c.case_id;

-- name: family_resident
-- One resident of whom this may be seen or done. No row: another family's, none at all, or no consent for it.
SELECT r.resident_id, r.home_id, h.zone, h.area_code
  FROM kin_sees AS k JOIN residents AS r USING (resident_id) JOIN homes AS h USING (home_id)
 WHERE k.user_name = %(user_name)s AND r.resident_id = %(resident_id)s AND h.removed_at IS NULL
   AND %(scope)s = ANY(k.scopes) AND %(scope)s = ANY(%(allowed)s::text[]);

-- name: family_day
-- What a home's devices said since an instant, a minute at most once for each: enough to tell the day, in order.
SELECT kind, role, room, minute_at, "on" FROM (
    SELECT DISTINCT 'motion' AS kind, d.role, d.room, date_trunc('minute', m.event_at) AS minute_at, true AS "on"
      FROM devices AS d JOIN reading_motion AS m ON m.home_id = d.home_id COLLATE "C" AND m.device_id = d.device_id COLLATE "C"
     WHERE d.home_id = %(home_id)s AND d.bound AND m.event_at >= %(since)s AND m.event_at <= %(until)s AND m.moving AND m.clock < 3 AND m.cause <> 'vibration'
    UNION
    SELECT DISTINCT 'contact', d.role, d.room, date_trunc('minute', m.event_at), m.open
      FROM devices AS d JOIN reading_contact AS m ON m.home_id = d.home_id COLLATE "C" AND m.device_id = d.device_id COLLATE "C"
     WHERE d.home_id = %(home_id)s AND d.bound AND m.event_at >= %(since)s AND m.event_at <= %(until)s AND m.clock < 3 AND m.open
    UNION
    SELECT DISTINCT 'power', d.role, d.room, date_trunc('minute', m.event_at), m."on"
      FROM devices AS d JOIN reading_power AS m ON m.home_id = d.home_id COLLATE "C" AND m.device_id = d.device_id COLLATE "C"
     WHERE d.home_id = %(home_id)s AND d.bound AND d.role = 'stove' AND m.event_at >= %(since)s AND m.event_at <= %(until)s AND m.clock < 3 AND m."on"
    UNION
    SELECT DISTINCT 'bed', d.role, d.room, date_trunc('minute', m.event_at), m.present
      FROM devices AS d JOIN reading_presence AS m ON m.home_id = d.home_id COLLATE "C" AND m.device_id = d.device_id COLLATE "C"
     WHERE d.home_id = %(home_id)s AND d.bound AND d.role = 'bed' AND m.event_at >= %(since)s AND m.event_at <= %(until)s AND m.clock < 3
) AS said
 ORDER BY minute_at, kind, room
 LIMIT 20000;

-- name: family_going
-- A relative says that they are going there; the first instant stays.
INSERT INTO kin_going AS g (case_id, user_name, said_at) VALUES (%(case_id)s, %(user_name)s, %(now)s)
    ON CONFLICT (case_id, user_name) DO UPDATE SET said_at = excluded.said_at, ended_at = NULL WHERE g.ended_at IS NOT NULL
RETURNING case_id;

-- name: family_not_going
-- A relative takes it back.
UPDATE kin_going SET ended_at = %(now)s WHERE case_id = %(case_id)s AND user_name = %(user_name)s AND ended_at IS NULL RETURNING case_id;

-- name: family_contacts
-- Whom to call about a home, in order.
SELECT contact_id, rank, name, relation, phone FROM contacts WHERE home_id = %(home_id)s ORDER BY rank, contact_id;

-- name: drop_contact
-- This one is called no more.
DELETE FROM contacts WHERE home_id = %(home_id)s AND contact_id = %(contact_id)s RETURNING contact_id;

-- name: family_way
-- How a relative is told of a P1.
SELECT way, reach, language FROM recipients WHERE user_name = %(user_name)s AND resident_id = %(resident_id)s AND way <> 'push' AND (enabled OR paused_until_at <= now());

-- name: put_family_way
-- A relative chose how to be told of a P1; whether they are is decided by the consent at the moment of telling.
INSERT INTO recipients (recipient_id, kind, name, url, language, home_id, consented_at, lowest_priority, user_name, resident_id, way, reach)
VALUES (%(recipient_id)s, 'kin', %(name)s, %(url)s, %(language)s, %(home_id)s, %(now)s, 1, %(user_name)s, %(resident_id)s, %(way)s, %(reach)s)
    ON CONFLICT (user_name, resident_id) WHERE user_name IS NOT NULL AND way <> 'push'
    DO UPDATE SET url = %(url)s, language = %(language)s, home_id = %(home_id)s, way = %(way)s, reach = %(reach)s, enabled = true;

-- name: drop_family_way
-- A relative is told no more.
DELETE FROM recipients WHERE user_name = %(user_name)s AND resident_id = %(resident_id)s AND way <> 'push' RETURNING recipient_id;

-- name: family_consents
-- What one family user may see of whom, and on what ground.
SELECT k.resident_id, r.name, k.scopes, c.given_by, c.recorded_at
  FROM kin_sees AS k JOIN residents AS r USING (resident_id)
 CROSS JOIN LATERAL (SELECT given_by, recorded_at FROM consents AS c WHERE c.resident_id = k.resident_id AND c.user_name = k.user_name
                      ORDER BY consent_id DESC LIMIT 1) AS c
 WHERE k.user_name = %(user_name)s
 ORDER BY k.resident_id;

-- name: put_push
-- A browser of a relative is told of a P1 of all who consented to that, beside the way that they chose. Rows back: of whom.
INSERT INTO recipients (recipient_id, kind, name, url, language, home_id, consented_at, lowest_priority, user_name, resident_id, way, reach)
SELECT 'push-' || substr(encode(sha256(convert_to(k.user_name || ' ' || k.resident_id || ' ' || %(reach)s, 'UTF8')), 'hex'), 1, 24), 'kin', %(name)s, %(url)s,
       %(language)s, r.home_id, %(now)s, 1, k.user_name, k.resident_id, 'push', %(reach)s
  FROM kin_sees AS k JOIN residents AS r USING (resident_id) JOIN homes AS h USING (home_id)
 WHERE k.user_name = %(user_name)s AND 'told' = ANY(k.scopes) AND h.removed_at IS NULL
    ON CONFLICT (user_name, resident_id, reach) WHERE way = 'push'
    DO UPDATE SET url = %(url)s, language = %(language)s, home_id = excluded.home_id, consented_at = %(now)s, enabled = true
RETURNING resident_id;

-- name: drop_old_push
-- The newest browsers of a relative stay.
DELETE FROM recipients AS r WHERE r.user_name = %(user_name)s AND r.way = 'push'
   AND (SELECT count(*) FROM recipients AS o WHERE o.user_name = r.user_name AND o.resident_id = r.resident_id AND o.way = 'push'
           AND (o.consented_at, o.recipient_id) > (r.consented_at, r.recipient_id)) >= %(most)s;

-- name: drop_push
-- This browser is told no more.
DELETE FROM recipients WHERE user_name = %(user_name)s AND way = 'push' AND reach = %(reach)s;
