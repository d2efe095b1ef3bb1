-- name: api_homes
-- Homes of an area, a page behind the last of the one before.
-- CASE hides the prefix from the planner, as in api_residents.
SELECT h.home_id, h.area_code, h.address, h.care_level, p.residents, p.resident_ids, d.devices, d.unbound, d.last_seen_at,
       (SELECT count(*) FROM contacts AS c WHERE c.home_id = h.home_id) AS contacts
  FROM homes AS h
 CROSS JOIN LATERAL (SELECT coalesce(array_agg(r.name ORDER BY r.resident_id), '{}') AS residents, coalesce(array_agg(r.resident_id ORDER BY r.resident_id), '{}') AS resident_ids
                       FROM residents AS r WHERE r.home_id = h.home_id) AS p
 CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE v.bound) AS devices, count(*) FILTER (WHERE NOT v.bound) AS unbound, max(v.last_seen_at) AS last_seen_at
                       FROM devices AS v WHERE v.home_id = h.home_id) AS d
 WHERE CASE WHEN starts_with(h.area_code, %(area_prefix)s) THEN true END AND h.removed_at IS NULL AND h.home_id > %(after)s
 ORDER BY h.home_id
 LIMIT %(most)s;

-- name: api_homes_found
-- The same of those whose id begins so, or where somebody lives who is found by these words.
SELECT h.home_id, h.area_code, h.address, h.care_level, p.residents, p.resident_ids, d.devices, d.unbound, d.last_seen_at,
       (SELECT count(*) FROM contacts AS c WHERE c.home_id = h.home_id) AS contacts
  FROM homes AS h
 CROSS JOIN LATERAL (SELECT coalesce(array_agg(r.name ORDER BY r.resident_id), '{}') AS residents, coalesce(array_agg(r.resident_id ORDER BY r.resident_id), '{}') AS resident_ids
                       FROM residents AS r WHERE r.home_id = h.home_id) AS p
 CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE v.bound) AS devices, count(*) FILTER (WHERE NOT v.bound) AS unbound, max(v.last_seen_at) AS last_seen_at
                       FROM devices AS v WHERE v.home_id = h.home_id) AS d
 WHERE h.home_id = ANY (ARRAY(SELECT b.home_id FROM homes AS b WHERE b.home_id COLLATE "C" >= %(words)s AND b.home_id COLLATE "C" < %(words)s || '~'
                               ORDER BY b.home_id COLLATE "C" LIMIT %(most)s::integer)
                        || ARRAY(SELECT r.home_id FROM residents AS r
                                  WHERE r.resident_id = ANY (ARRAY(SELECT residents_found(%(words)s, '', %(most)s::integer)))))
   AND starts_with(h.area_code, %(area_prefix)s) AND h.removed_at IS NULL
 ORDER BY h.home_id
 LIMIT %(most)s::integer;

-- name: api_registered_home
-- A home's record; one that is watched no longer is not there.
SELECT home_id, area_code, address, zone, care_level, site_id, note, key_at, pets, away_until FROM homes WHERE home_id = %(home_id)s AND removed_at IS NULL;

-- name: api_registered_devices
-- Devices of a home, also those that speak there unregistered.
SELECT device_id, role, room, resident_id, worn, bound, last_seen_at FROM devices WHERE home_id = %(home_id)s ORDER BY device_id;
