-- name: checker_stored
-- Numbers of readings stored for some homes since a boot, by device; each number once, devices that count nothing left out.
SELECT home_id, device_id, count(DISTINCT (boot, seq)) AS readings
  FROM (SELECT home_id, device_id, boot, seq FROM reading_vitals
        UNION ALL SELECT home_id, device_id, boot, seq FROM reading_motion
        UNION ALL SELECT home_id, device_id, boot, seq FROM reading_contact
        UNION ALL SELECT home_id, device_id, boot, seq FROM reading_presence
        UNION ALL SELECT home_id, device_id, boot, seq FROM reading_water
        UNION ALL SELECT home_id, device_id, boot, seq FROM reading_power
        UNION ALL SELECT home_id, device_id, boot, seq FROM reading_air
        UNION ALL SELECT home_id, device_id, boot, seq FROM reading_holding
        UNION ALL SELECT home_id, device_id, boot, seq FROM reading_inertial
        UNION ALL SELECT home_id, device_id, boot, seq FROM reading_position
        UNION ALL SELECT home_id, device_id, boot, seq FROM reading_status
        UNION ALL SELECT home_id, device_id, boot, seq FROM reading_call
        UNION ALL SELECT home_id, device_id, boot, seq FROM reading_fall_alarm
        UNION ALL SELECT home_id, device_id, boot, seq FROM reading_smoke_alarm
        UNION ALL SELECT home_id, device_id, boot, seq FROM reading_gas_alarm
        UNION ALL SELECT home_id, device_id, boot, seq FROM reading_co_alarm
        UNION ALL SELECT home_id, device_id, boot, seq FROM reading_leak_alarm) AS r
 WHERE home_id = ANY(%(homes)s) AND boot >= %(boot)s AND boot >= 0
 GROUP BY home_id, device_id;

-- name: checker_gaps
-- Missing numbers of some homes since a boot.
SELECT coalesce(sum(missing), 0)::bigint AS missing FROM gaps WHERE home_id = ANY(%(homes)s) AND boot >= %(boot)s;

-- name: checker_signals
-- What cases of some homes say since a wall instant: one row for each detection and lane in a case.
SELECT c.case_id, c.home_id, c.family, c.test, s.detector, s.detection_id, s.device_id, d.lane,
       extract(epoch FROM s.started_at)::float8 AS started_at_s,
       extract(epoch FROM min(d.decided_at))::float8 AS decided_at_s,
       extract(epoch FROM c.raised_at)::float8 AS raised_wall_s,
       extract(epoch FROM min(d.read_at))::float8 AS read_wall_s
  FROM cases c
  JOIN case_signals s ON s.case_id = c.case_id
  JOIN detections d ON d.detection_id = s.detection_id AND d."on"
 WHERE c.home_id = ANY(%(homes)s) AND d.read_at >= %(since)s
 GROUP BY c.case_id, s.case_id, s.detection_id, d.lane
 ORDER BY c.raised_at;

-- name: checker_dead_letters
-- Refused payloads of accounts that begin so.
SELECT count(*) AS letters FROM dead_letters WHERE starts_with(account, %(prefix)s);

-- name: checker_cards_waiting
-- Cards of some homes that the keeper still has to put into the log.
SELECT count(*) AS waiting FROM home_cards WHERE home_id = ANY(%(homes)s) AND published_version < version;

-- name: checker_unwatched
-- Time in which the bridge of some homes could not see, on its clock.
SELECT extract(epoch FROM u.from_at)::float8 AS from_s, extract(epoch FROM u.to_at)::float8 AS to_s
  FROM unwatched AS u
 WHERE u.source IN (SELECT d.source FROM devices AS d WHERE d.home_id = ANY(%(homes)s))
 ORDER BY u.from_at;

-- name: checker_passed
-- How far the stream is with the source of some homes, on its clock: one figure over all partitions, which stands when nothing is read any more.
SELECT coalesce(sum(extract(epoch FROM p.watched_until_at)), 0)::float8 AS passed_s
  FROM pipeline AS p
 WHERE p.source IN (SELECT d.source FROM devices AS d WHERE d.home_id = ANY(%(homes)s));
