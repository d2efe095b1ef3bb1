-- name: lock_windows
-- One of the twins looks at windows at a time.
SELECT pg_try_advisory_xact_lock(1397573636, 17) AS mine;

-- name: begin_windows
-- Windows that begin: how their homes are watched is worked out anew.
WITH begun AS (
    UPDATE service_windows SET begun = true WHERE NOT begun AND NOT over AND from_at <= %(now)s RETURNING window_id, home_id, area_code)
INSERT INTO coverage_due (home_id)
SELECT h.home_id FROM begun AS b JOIN homes AS h ON h.home_id = b.home_id OR b.home_id IS NULL AND starts_with(h.area_code, b.area_code);

-- name: windows_over
-- Windows whose time is over, or that somebody ended.
SELECT window_id, area_code, home_id, device_id, reason, substitute, from_at, until_at, ended_at
  FROM service_windows WHERE NOT over AND coalesce(ended_at, until_at) <= %(now)s ORDER BY window_id;

-- name: end_window
-- It is over: how its homes are watched is worked out anew.
WITH ended AS (
    UPDATE service_windows SET over = true WHERE window_id = %(window_id)s AND NOT over RETURNING home_id, area_code)
INSERT INTO coverage_due (home_id)
SELECT h.home_id FROM ended AS e JOIN homes AS h ON h.home_id = e.home_id OR e.home_id IS NULL AND starts_with(h.area_code, e.area_code);

-- name: cases_out_of_windows
-- Cases that do not ring though nothing of theirs is out of service any more.
SELECT c.case_id
  FROM cases AS c
 WHERE c.handling = 'SUSPENDED'
   AND NOT EXISTS (SELECT FROM service_windows AS w
                    WHERE w.ended_at IS NULL AND w.from_at <= %(now)s AND w.until_at > %(now)s
                      AND (w.home_id = c.home_id AND (w.device_id IS NULL OR w.device_id = c.device_id) OR w.home_id IS NULL AND starts_with(c.area_code, w.area_code)))
 ORDER BY c.priority, c.case_id;

-- name: windows_of_homes
-- Windows in force, by home, for coverage.
SELECT h.home_id, w.window_id, w.device_id, w.technical_only, w.reason, w.substitute, w.from_at, w.until_at, h.zone
  FROM homes AS h JOIN service_windows AS w ON w.home_id = h.home_id OR w.home_id IS NULL AND starts_with(h.area_code, w.area_code)
 WHERE h.home_id = ANY(%(home_ids)s) AND w.ended_at IS NULL AND w.from_at <= %(now)s AND w.until_at > %(now)s
 ORDER BY h.home_id, w.until_at;

-- name: api_windows
-- Windows to come, in force, and those that ended lately, newest first.
SELECT window_id, area_code, home_id, device_id, technical_only, reason, substitute, from_at, until_at, planned_by, planned_at, ended_at, ended_by
  FROM service_windows
 WHERE starts_with(area_code, %(area_prefix)s) AND until_at > %(since)s AND (%(before)s::bigint IS NULL OR window_id < %(before)s)
 ORDER BY window_id DESC
 LIMIT %(most)s;

-- name: api_plan_window
-- Plan one.
INSERT INTO service_windows (area_code, home_id, device_id, technical_only, reason, substitute, from_at, until_at, planned_by, planned_at)
VALUES (%(area_code)s, %(home_id)s, %(device_id)s, %(technical_only)s, %(reason)s, %(substitute)s, %(from_at)s, %(until_at)s, %(planned_by)s, %(now)s)
RETURNING window_id, area_code, home_id, device_id, technical_only, reason, substitute, from_at, until_at, planned_by, planned_at, ended_at, ended_by;

-- name: api_device_is_there
-- Whether a home has this device.
SELECT device_id FROM devices WHERE home_id = %(home_id)s AND device_id = %(device_id)s;

-- name: api_end_window
-- Back in service before its time.
UPDATE service_windows SET ended_at = %(now)s, ended_by = %(user_name)s
 WHERE window_id = %(window_id)s AND starts_with(area_code, %(area_prefix)s) AND ended_at IS NULL AND until_at > %(now)s
RETURNING window_id, home_id;
