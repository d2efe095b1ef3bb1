-- name: api_residents
-- A page of residents of an area, in order of their id.
-- CASE hides the prefix from the planner: row security says the same, and a share counted twice made it sort a county for each page.
SELECT r.resident_id, r.name, r.home_id, h.area_code, h.address, h.care_level,
       (SELECT count(*) FROM cases AS c WHERE c.home_id = r.home_id AND c.handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST')) AS open_cases
  FROM residents AS r JOIN homes AS h USING (home_id)
 WHERE CASE WHEN starts_with(h.area_code, %(area_prefix)s) THEN true END AND h.removed_at IS NULL
   AND r.resident_id > %(after)s
 ORDER BY r.resident_id
 LIMIT %(most)s;

-- name: api_residents_found
-- The same for those who have the words in their name, ids, address or telephone number.
SELECT r.resident_id, r.name, r.home_id, h.area_code, h.address, h.care_level,
       (SELECT count(*) FROM cases AS c WHERE c.home_id = r.home_id AND c.handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST')) AS open_cases
  FROM residents AS r JOIN homes AS h USING (home_id)
 WHERE r.resident_id = ANY (ARRAY(SELECT residents_found(%(words)s, %(after)s, %(most)s))) AND starts_with(h.area_code, %(area_prefix)s) AND h.removed_at IS NULL
 ORDER BY r.resident_id;

-- name: api_resident
-- One resident and the home.
SELECT r.resident_id, r.name, r.birth_year, r.sex, r.phone, r.note, r.conditions, r.mobility, r.dialect, r.oxygen, r.home_id, h.area_code
  FROM residents AS r JOIN homes AS h USING (home_id)
 WHERE r.resident_id = %(resident_id)s AND h.removed_at IS NULL;

-- name: api_devices_of_homes
-- Devices of these homes as they were last heard, and the bridge's statement about its own clock.
SELECT d.home_id, d.device_id, d.role, d.room, d.bound, d.last_seen_at, d.source,
       d.role = 'wearable' AND coalesce(w.worn, false) AS worn, coalesce(s."on", false) AS silent
  FROM devices AS d
  LEFT JOIN device_silences AS s USING (home_id, device_id)
  LEFT JOIN LATERAL (
        SELECT s.worn FROM reading_status AS s
         WHERE d.role = 'wearable' AND s.home_id = d.home_id COLLATE "C" AND s.device_id = d.device_id COLLATE "C" AND s.worn IS NOT NULL
           AND s.event_at > d.last_seen_at - interval '2 days'
         ORDER BY s.event_at DESC LIMIT 1) AS w ON true
 WHERE d.home_id = ANY(%(home_ids)s)
 ORDER BY d.home_id, d.device_id;

-- name: api_sources
-- The clock of each bridge: how far its statements reach.
SELECT source, clock, max(watched_until_at) AS watched_until_at, max(heard_at) AS heard_at FROM sources GROUP BY source, clock;

-- name: api_signs_of_life
-- The newest sign of life of each kind and home, looked for among the newest rows of each device; those of what one resident alone wears or lies in
-- stand apart, with whose they are. As in the detectors, a motion counts with another
-- within two minutes before it, a repeat is no act, and a row of unknown time (clock 3) says nothing. `pulse` shows life, but nobody up and about.
WITH asked AS (
    SELECT a.home_id COLLATE "C" AS home_id, a.since_at FROM unnest(%(home_ids)s::text[], %(sinces)s::timestamptz[]) AS a (home_id, since_at)
), d AS (
    SELECT a.home_id, a.since_at, v.device_id COLLATE "C" AS device_id, v.role, v.room,
           CASE WHEN v.role IN ('wearable', 'pendant', 'bed') THEN v.resident_id END AS resident_id
      FROM asked AS a JOIN devices AS v ON v.home_id = a.home_id COLLATE "default"
), motion AS (
    SELECT d.home_id, d.device_id, d.room, d.resident_id, r.event_at, lag(r.event_at) OVER w AS before_at, lag(d.resident_id) OVER w AS before_resident_id
      FROM d CROSS JOIN LATERAL (
           SELECT event_at FROM reading_motion AS m
            WHERE m.home_id = d.home_id AND m.device_id = d.device_id AND m.event_at > d.since_at AND m.event_at > %(since)s
              AND m.moving AND m.clock < 3 AND (m.cause <> 'vibration' OR d.role IN ('bed', 'chair'))
            ORDER BY m.event_at DESC LIMIT 20) AS r
    WINDOW w AS (PARTITION BY d.home_id ORDER BY r.event_at)
), contact AS (
    SELECT d.home_id, d.device_id, d.room, d.resident_id, r.event_at, r.open, lag(r.open) OVER (PARTITION BY d.home_id, d.device_id ORDER BY r.event_at) AS before_open
      FROM d CROSS JOIN LATERAL (
           SELECT event_at, open FROM reading_contact AS m
            WHERE m.home_id = d.home_id AND m.device_id = d.device_id AND m.event_at > d.since_at AND m.event_at > %(since)s AND m.clock < 3
            ORDER BY m.event_at DESC LIMIT 20) AS r
), presence AS (
    SELECT d.home_id, d.device_id, d.room, d.resident_id, r.event_at, r.present, r.posture, r.pulse,
           lag(r.present) OVER w AS before_present, lag(r.posture) OVER w AS before_posture
      FROM d CROSS JOIN LATERAL (
           SELECT event_at, present, posture, (breathing_rate_bpm > 0 OR heart_rate_bpm > 0) AS pulse FROM reading_presence AS m
            WHERE m.home_id = d.home_id AND m.device_id = d.device_id AND m.event_at > d.since_at AND m.event_at > %(since)s AND m.clock < 3
            ORDER BY m.event_at DESC LIMIT 40) AS r
    WINDOW w AS (PARTITION BY d.home_id, d.device_id ORDER BY r.event_at)
), power AS (
    SELECT d.home_id, d.device_id, d.room, d.resident_id, r.event_at, r."on", lag(r."on") OVER w AS before_on, lag(r.event_at) OVER w AS before_at
      FROM d CROSS JOIN LATERAL (
           SELECT event_at, "on" FROM reading_power AS m
            WHERE m.home_id = d.home_id AND m.device_id = d.device_id AND m.event_at > d.since_at AND m.event_at > %(since)s AND m.clock < 3
              AND m."on" IS NOT NULL AND d.role IN ('stove', 'light', 'plug')
            ORDER BY m.event_at DESC LIMIT 20) AS r
    WINDOW w AS (PARTITION BY d.home_id, d.device_id ORDER BY r.event_at)
), water AS (
    SELECT d.home_id, d.device_id, d.room, d.resident_id, r.event_at, r.flows, lag(r.flows) OVER (PARTITION BY d.home_id, d.device_id ORDER BY r.event_at) AS before_flows
      FROM d CROSS JOIN LATERAL (
           SELECT event_at, (litres > 0 OR flow_l_min > 0) AS flows FROM reading_water AS m
            WHERE m.home_id = d.home_id AND m.device_id = d.device_id AND m.event_at > d.since_at AND m.event_at > %(since)s AND m.clock < 3
            ORDER BY m.event_at DESC LIMIT 60) AS r
), vitals AS (
    SELECT d.home_id, d.device_id, d.room, d.resident_id, r.event_at, r.steps, r.pulse
      FROM d CROSS JOIN LATERAL (
           SELECT event_at, steps, (heart_rate_bpm > 0 OR breathing_rate_bpm > 0) AS pulse FROM reading_vitals AS m
            WHERE m.home_id = d.home_id AND m.device_id = d.device_id AND m.event_at > d.since_at AND m.event_at > %(since)s AND m.clock < 3
            ORDER BY m.event_at DESC LIMIT 240) AS r
), called AS (
    SELECT d.home_id, d.device_id, d.room, d.resident_id, r.event_at
      FROM d CROSS JOIN LATERAL (
           SELECT event_at FROM reading_call AS m
            WHERE m.home_id = d.home_id AND m.device_id = d.device_id AND m.event_at > d.since_at AND m.event_at > %(since)s AND m.clock < 3 AND NOT m.test
            ORDER BY m.event_at DESC LIMIT 1) AS r
), sign AS (
    SELECT 'motion' AS kind, home_id, device_id, room, CASE WHEN before_resident_id = resident_id THEN resident_id END AS resident_id, event_at FROM motion WHERE event_at - before_at <= interval '120 s'
    UNION ALL SELECT 'contact', home_id, device_id, room, resident_id, event_at FROM contact WHERE open <> before_open
    UNION ALL SELECT 'presence', home_id, device_id, room, resident_id, event_at FROM presence WHERE present <> before_present OR posture <> before_posture
    UNION ALL SELECT 'pulse', home_id, device_id, room, resident_id, event_at FROM presence WHERE pulse
    UNION ALL SELECT 'power', home_id, device_id, room, resident_id, event_at FROM power WHERE "on" <> before_on AND event_at - before_at > interval '180 s'
    UNION ALL SELECT 'water', home_id, device_id, room, resident_id, event_at FROM water WHERE flows AND before_flows IS DISTINCT FROM true
    UNION ALL SELECT 'vitals', home_id, device_id, room, resident_id, event_at FROM vitals WHERE steps >= 5
    UNION ALL SELECT 'pulse', home_id, device_id, room, resident_id, event_at FROM vitals WHERE pulse
    UNION ALL SELECT 'call', home_id, device_id, room, resident_id, event_at FROM called
)
SELECT DISTINCT ON (home_id, kind, resident_id) home_id, kind, resident_id, device_id, room, event_at FROM sign ORDER BY home_id, kind, resident_id, event_at DESC;
