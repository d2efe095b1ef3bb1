-- name: activity_of_home
-- In how many minutes of each stretch something happened in a home, by what and where. A reading whose time is in doubt says nothing of a stretch.
SELECT kind, role, room, place, count(*)::integer AS minutes FROM (
    SELECT DISTINCT 'motion' AS kind, d.role, d.room, m.place, m.minute_at
      FROM devices AS d CROSS JOIN LATERAL (
           SELECT floor(extract(epoch FROM event_at - %(from_at)s::timestamptz) / %(stretch_s)s)::integer AS place, date_trunc('minute', event_at) AS minute_at
             FROM reading_motion AS r
            WHERE r.home_id = d.home_id COLLATE "C" AND r.device_id = d.device_id COLLATE "C" AND event_at >= %(from_at)s AND event_at < %(to_at)s
              AND moving AND clock < 3 AND cause <> 'vibration') AS m
     WHERE d.home_id = %(home_id)s AND d.bound
    UNION ALL
    SELECT DISTINCT 'contact', d.role, d.room, m.place, m.minute_at
      FROM devices AS d CROSS JOIN LATERAL (
           SELECT floor(extract(epoch FROM event_at - %(from_at)s::timestamptz) / %(stretch_s)s)::integer AS place, date_trunc('minute', event_at) AS minute_at
             FROM reading_contact AS r
            WHERE r.home_id = d.home_id COLLATE "C" AND r.device_id = d.device_id COLLATE "C" AND event_at >= %(from_at)s AND event_at < %(to_at)s
              AND open AND clock < 3) AS m
     WHERE d.home_id = %(home_id)s AND d.bound
    UNION ALL
    SELECT DISTINCT 'presence', d.role, d.room, m.place, m.minute_at
      FROM devices AS d CROSS JOIN LATERAL (
           SELECT floor(extract(epoch FROM event_at - %(from_at)s::timestamptz) / %(stretch_s)s)::integer AS place, date_trunc('minute', event_at) AS minute_at
             FROM reading_presence AS r
            WHERE r.home_id = d.home_id COLLATE "C" AND r.device_id = d.device_id COLLATE "C" AND event_at >= %(from_at)s AND event_at < %(to_at)s
              AND present AND clock < 3) AS m
     WHERE d.home_id = %(home_id)s AND d.bound
    UNION ALL
    SELECT DISTINCT 'power', d.role, d.room, m.place, m.minute_at
      FROM devices AS d CROSS JOIN LATERAL (
           SELECT floor(extract(epoch FROM event_at - %(from_at)s::timestamptz) / %(stretch_s)s)::integer AS place, date_trunc('minute', event_at) AS minute_at
             FROM reading_power AS r
            WHERE r.home_id = d.home_id COLLATE "C" AND r.device_id = d.device_id COLLATE "C" AND event_at >= %(from_at)s AND event_at < %(to_at)s
              AND "on" AND clock < 3) AS m
     WHERE d.home_id = %(home_id)s AND d.bound
    UNION ALL
    SELECT DISTINCT 'water', d.role, d.room, m.place, m.minute_at
      FROM devices AS d CROSS JOIN LATERAL (
           SELECT floor(extract(epoch FROM event_at - %(from_at)s::timestamptz) / %(stretch_s)s)::integer AS place, date_trunc('minute', event_at) AS minute_at
             FROM reading_water AS r
            WHERE r.home_id = d.home_id COLLATE "C" AND r.device_id = d.device_id COLLATE "C" AND event_at >= %(from_at)s AND event_at < %(to_at)s
              AND (litres > 0 OR flow_l_min > 0) AND clock < 3) AS m
     WHERE d.home_id = %(home_id)s AND d.bound
) AS said
 GROUP BY kind, role, room, place
 ORDER BY kind, role, room, place;

-- name: unwatched_of_home
-- When a home's bridge was away, by that bridge's clock.
SELECT DISTINCT u.from_at, u.to_at FROM unwatched AS u JOIN devices AS d ON d.source = u.source
 WHERE d.home_id = %(home_id)s AND u.to_at > %(from_at)s AND u.from_at < %(to_at)s
 ORDER BY u.from_at;

-- name: heard_of_home
-- Since when a home is heard, and how far its bridge's statements reach; the bridge of its newest device. No row: it was never heard.
SELECT d.first_seen_at, s.clock, s.watched_until_at
  FROM (SELECT source, min(first_seen_at) OVER () AS first_seen_at FROM devices
         WHERE home_id = %(home_id)s AND source IS NOT NULL ORDER BY last_seen_at DESC NULLS LAST LIMIT 1) AS d
  JOIN sources AS s USING (source)
 ORDER BY s.watched_until_at DESC NULLS LAST LIMIT 1;
