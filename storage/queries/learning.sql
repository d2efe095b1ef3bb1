-- name: homes_to_learn
-- Homes that were heard, with their zone and the newest instant that their source has watched (its own clock).
SELECT h.home_id, h.zone, s.source, extract(epoch FROM s.now_at)::double precision AS now_s, l.learned_at
  FROM homes AS h
 CROSS JOIN LATERAL (SELECT o.source, max(o.watched_until_at) AS now_at
                       FROM sources AS o
                      WHERE o.source IN (SELECT d.source FROM devices AS d WHERE d.home_id = h.home_id)
                      GROUP BY o.source ORDER BY now_at DESC NULLS LAST LIMIT 1) AS s
  LEFT JOIN learned_silences AS l USING (home_id)
 WHERE h.removed_at IS NULL AND s.now_at IS NOT NULL AND (%(home_ids)s::text[] IS NULL OR h.home_id = ANY(%(home_ids)s::text[]))
 ORDER BY h.home_id;

-- name: devices_of_home
-- What each registered device of a home is for, and where it is.
SELECT device_id, role, room FROM devices WHERE home_id = %(home_id)s AND bound;

-- name: unwatched_of_source
-- When nobody was watching the homes of a source, within a stretch of time.
SELECT extract(epoch FROM from_at)::double precision AS from_s, extract(epoch FROM to_at)::double precision AS to_s
  FROM unwatched
 WHERE source = %(source)s AND to_at > to_timestamp(%(from_s)s::double precision) AND from_at < to_timestamp(%(to_s)s::double precision)
 ORDER BY from_at;

-- name: past_arrivals
-- When a home's devices were heard, and which of these rows were beats (status).
SELECT device_id, extract(epoch FROM received_at)::double precision AS received_s, is_beat, away
  FROM (SELECT device_id, received_at, online IS DISTINCT FROM false AS is_beat, online IS NOT DISTINCT FROM false AS away FROM reading_status
         WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)
        UNION ALL
        SELECT device_id, received_at, false, false FROM reading_vitals
         WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)
        UNION ALL
        SELECT device_id, received_at, false, false FROM reading_motion
         WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)
        UNION ALL
        SELECT device_id, received_at, false, false FROM reading_contact
         WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)
        UNION ALL
        SELECT device_id, received_at, false, false FROM reading_presence
         WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)
        UNION ALL
        SELECT device_id, received_at, false, false FROM reading_water
         WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)
        UNION ALL
        SELECT device_id, received_at, false, false FROM reading_power
         WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)
        UNION ALL
        SELECT device_id, received_at, false, false FROM reading_air
         WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)
        UNION ALL
        SELECT device_id, received_at, false, false FROM reading_holding
         WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)
        UNION ALL
        SELECT device_id, received_at, false, false FROM reading_call
         WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)) AS heard
 ORDER BY received_at;

-- name: past_motion
-- A home's motion rows whose time is known, device by device in order.
SELECT device_id, extract(epoch FROM least(event_at, received_at))::double precision AS at_s, moving::int AS moving, (cause = 'vibration')::int AS vibration
  FROM reading_motion
 WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)
   AND clock <> 3
 ORDER BY device_id, event_at, boot, seq;

-- name: past_contact
-- A home's contact rows whose time is known, device by device in order.
SELECT device_id, extract(epoch FROM least(event_at, received_at))::double precision AS at_s, open::int AS open
  FROM reading_contact
 WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)
   AND clock <> 3
 ORDER BY device_id, event_at, boot, seq;

-- name: past_presence
-- A home's presence rows whose time is known, device by device in order.
SELECT device_id, extract(epoch FROM least(event_at, received_at))::double precision AS at_s, present::int AS present, array_position(ARRAY['standing', 'sitting', 'lying', 'low', 'walking'], posture) AS posture
  FROM reading_presence
 WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)
   AND clock <> 3
 ORDER BY device_id, event_at, boot, seq;

-- name: past_power
-- A home's power rows whose time is known, device by device in order.
SELECT device_id, extract(epoch FROM least(event_at, received_at))::double precision AS at_s, "on"::int AS "on"
  FROM reading_power
 WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)
   AND clock <> 3
 ORDER BY device_id, event_at, boot, seq;

-- name: past_water
-- A home's water rows whose time is known, device by device in order.
SELECT device_id, extract(epoch FROM least(event_at, received_at))::double precision AS at_s, litres, flow_l_min
  FROM reading_water
 WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)
   AND clock <> 3
 ORDER BY device_id, event_at, boot, seq;

-- name: past_vitals
-- A home's vitals rows whose time is known, device by device in order.
SELECT device_id, extract(epoch FROM least(event_at, received_at))::double precision AS at_s, steps
  FROM reading_vitals
 WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)
   AND clock <> 3
 ORDER BY device_id, event_at, boot, seq;

-- name: past_call
-- A home's call rows whose time is known, device by device in order.
SELECT device_id, extract(epoch FROM least(event_at, received_at))::double precision AS at_s, test::int AS test
  FROM reading_call
 WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision)
   AND clock <> 3
 ORDER BY device_id, event_at, boot, seq;

-- name: past_vitals_medians
-- Medians of ten minutes of what was measured of a home's residents: whose (as the row, else the device's record, else the only resident says); pulse without steps.
WITH measured AS (
    SELECT device_id, resident_id, event_at, CASE WHEN steps >= 5 THEN NULL ELSE heart_rate_bpm END AS heart_rate_bpm,
           CASE WHEN steps >= 5 THEN NULL ELSE spo2_pct END AS spo2_pct, skin_temp_c, body_temp_c
      FROM reading_vitals
     WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision) AND clock <> 3
    UNION ALL
    SELECT device_id, resident_id, event_at, heart_rate_bpm, NULL, NULL, NULL
      FROM reading_presence
     WHERE home_id = %(home_id)s AND event_at >= to_timestamp(%(from_s)s::double precision) AND event_at < to_timestamp(%(to_s)s::double precision) AND clock <> 3
       AND heart_rate_bpm > 0
), only_one AS (
    SELECT min(resident_id) AS resident_id FROM residents WHERE home_id = %(home_id)s HAVING count(*) = 1
)
SELECT coalesce(m.resident_id, d.resident_id, o.resident_id) AS resident_id, floor(extract(epoch FROM m.event_at) / 600)::double precision * 600 AS at_s,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY m.heart_rate_bpm) AS heart_rate_bpm, percentile_cont(0.5) WITHIN GROUP (ORDER BY m.spo2_pct) AS spo2_pct,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY m.skin_temp_c) AS skin_temp_c, percentile_cont(0.5) WITHIN GROUP (ORDER BY m.body_temp_c) AS body_temp_c
  FROM measured AS m
  LEFT JOIN devices AS d ON d.home_id = %(home_id)s AND d.device_id = m.device_id COLLATE "default" AND d.bound
  LEFT JOIN only_one AS o ON true
 WHERE coalesce(m.resident_id, d.resident_id, o.resident_id) IS NOT NULL
 GROUP BY 1, 2
 ORDER BY 1, 2;

-- name: forget_usual
-- Values of a home that were learned so long ago that they no longer hold.
DELETE FROM learned_usual WHERE home_id = %(home_id)s AND learned_at < %(before)s;

-- name: put_usual
-- What the learner found usual with a home and its residents. What the last weeks do not teach stays as it was.
INSERT INTO learned_usual (home_id, resident_id, name, value, days, counted, learned_at)
SELECT %(home_id)s, resident_id, name, value, days, counted, %(learned_at)s
  FROM unnest(%(resident_ids)s::text[], %(names)s::text[], %(values)s::double precision[], %(days)s::integer[], %(counted)s::integer[])
       AS found (resident_id, name, value, days, counted)
    ON CONFLICT (home_id, resident_id, name) DO UPDATE
   SET value = excluded.value, days = excluded.days, counted = excluded.counted, learned_at = excluded.learned_at;

-- name: put_daily_habits
-- Figures of a home's days, counted anew.
INSERT INTO daily_habits (home_id, day, signs, active_hours, first_h, night_visits)
SELECT %(home_id)s, '1970-01-01'::date + day, signs, active_hours, first_h, night_visits
  FROM unnest(%(days)s::integer[], %(signs)s::integer[], %(active_hours)s::integer[], %(first_h)s::double precision[], %(night_visits)s::integer[])
       AS found (day, signs, active_hours, first_h, night_visits)
    ON CONFLICT (home_id, day) DO UPDATE
   SET signs = excluded.signs, active_hours = excluded.active_hours, first_h = excluded.first_h, night_visits = excluded.night_visits;

-- name: habits_of_home
-- Figures of a home's last four weeks, oldest first: information for people, never an alarm.
SELECT day - '1970-01-01'::date AS day, signs, active_hours, first_h, night_visits
  FROM (SELECT * FROM daily_habits WHERE home_id = %(home_id)s ORDER BY day DESC LIMIT 28) AS latest
 ORDER BY day;

-- name: usual_of_home
-- What is usual in a home and with its residents, with the evidence.
SELECT resident_id, name, value, days, counted, learned_at FROM learned_usual WHERE home_id = %(home_id)s ORDER BY resident_id, name;
