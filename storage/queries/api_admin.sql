-- name: api_dead_letters
-- Refused payloads with their reasons, newest first, a page at a time.
SELECT l.letter_id, l.at, l.stage, l.source, l.topic, l.account, l.reason, l.detail, l.boot, l.seq, l.size, substr(l.payload, 1, 400) AS payload
  FROM dead_letters AS l LEFT JOIN homes AS h ON h.home_id = split_part(l.account COLLATE "default", '.', 1)
 WHERE (h.home_id IS NULL OR starts_with(h.area_code, %(area_prefix)s))
   AND (%(account)s::text IS NULL OR account = %(account)s::text)
   AND (%(reason)s::text IS NULL OR reason = %(reason)s::text)
   AND at > %(since)s AND (%(before)s::timestamptz IS NULL OR at < %(before)s::timestamptz)
 ORDER BY at DESC, letter_id
 LIMIT %(most)s;

-- name: api_unbound_devices
-- Devices that speak and that nobody has registered.
SELECT d.home_id, d.device_id, d.first_seen_at, d.last_seen_at, h.home_id IS NOT NULL AS home_known
  FROM devices AS d LEFT JOIN homes AS h ON h.home_id = d.home_id AND h.removed_at IS NULL
 WHERE NOT d.bound AND (h.home_id IS NULL OR starts_with(h.area_code, %(area_prefix)s))
 ORDER BY d.last_seen_at DESC NULLS LAST, d.home_id, d.device_id
 LIMIT %(most)s;
