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
