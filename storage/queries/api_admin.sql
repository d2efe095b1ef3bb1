-- name: api_dead_letters
-- Refused payloads with their reasons, newest first, a page at a time. Of homes that nobody registered everybody reads; out of sight is not unregistered.
SELECT l.letter_id, l.at, l.stage, l.source, l.topic, l.account, l.reason, l.detail, l.boot, l.seq, l.size, substr(l.payload, 1, 400) AS payload
  FROM dead_letters AS l LEFT JOIN homes AS h ON h.home_id = split_part(l.account COLLATE "default", '.', 1)
 WHERE (starts_with(h.area_code, %(area_prefix)s) OR h.home_id IS NULL AND NOT home_is_known(split_part(l.account COLLATE "default", '.', 1)))
   AND (%(account)s::text IS NULL OR account = %(account)s::text)
   AND (%(reason)s::text IS NULL OR reason = %(reason)s::text)
   AND at > %(since)s AND (%(before)s::timestamptz IS NULL OR at < %(before)s::timestamptz)
 ORDER BY at DESC, letter_id
 LIMIT %(most)s;

-- name: api_unbound_devices
-- Devices that speak and that nobody has registered.
SELECT d.home_id, d.device_id, d.first_seen_at, d.last_seen_at, h.home_id IS NOT NULL AND h.removed_at IS NULL AS home_known
  FROM devices AS d LEFT JOIN homes AS h ON h.home_id = d.home_id
 WHERE NOT d.bound AND (starts_with(h.area_code, %(area_prefix)s) OR h.home_id IS NULL AND NOT home_is_known(d.home_id))
 ORDER BY d.last_seen_at DESC NULLS LAST, d.home_id, d.device_id
 LIMIT %(most)s;

-- name: api_users
-- Who may log in and works in an area, with the residents that family members see. Who has the whole site is seen by those who have it.
SELECT u.user_name, u.role, u.display_name, u.language, u.area_prefix, u.active, u.created_at,
       (SELECT array_agg(f.resident_id ORDER BY f.resident_id) FROM family_links AS f WHERE f.user_name = u.user_name AND f.revoked_at IS NULL) AS family_of
  FROM users AS u
 WHERE starts_with(u.area_prefix, %(area_prefix)s)
 ORDER BY u.user_name;

-- name: api_user_of_area
-- Whether a user works in an area, so that an administrator there may change him.
SELECT user_name FROM users WHERE user_name = %(user_name)s AND starts_with(area_prefix, %(area_prefix)s);
