-- name: bench_newest_probe
-- Number of the newest position of a load's tracker that a reader can see.
SELECT max(seq) AS seq FROM reading_position WHERE home_id = %(home_id)s AND device_id = 'tracker' AND boot = %(boot)s;

-- name: bench_letters
-- Refused payloads since an instant.
SELECT count(*) AS letters FROM dead_letters WHERE at >= %(since)s;

-- name: bench_cases
-- When each case of a load's homes was raised (wall clock).
SELECT home_id, family, extract(epoch FROM raised_at)::float8 AS raised_wall_s FROM cases WHERE starts_with(home_id, %(prefix)s);

-- name: bench_stored
-- How many readings of a load are stored, each number once.
SELECT coalesce(sum(readings), 0)::bigint AS readings
  FROM (SELECT count(*) AS readings FROM reading_vitals WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s
        UNION ALL SELECT count(*) FROM reading_motion WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s
        UNION ALL SELECT count(*) FROM reading_power WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s
        UNION ALL SELECT count(*) FROM reading_water WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s
        UNION ALL SELECT count(*) FROM reading_air WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s
        UNION ALL SELECT count(*) FROM reading_contact WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s
        UNION ALL SELECT count(*) FROM reading_status WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s
        UNION ALL SELECT count(*) FROM reading_position WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s
        UNION ALL SELECT count(*) FROM reading_call WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s) AS r;

-- name: bench_gaps
-- Missing numbers of a load's homes.
SELECT coalesce(sum(missing), 0)::bigint AS missing FROM gaps WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s;

-- name: bench_cards_waiting
-- Cards of a load's homes that the keeper still has to put into the log.
SELECT count(*) AS waiting FROM home_cards WHERE published_version < version AND starts_with(home_id, %(prefix)s);

-- name: bench_twice
-- Readings of a load that stand twice: rows beyond the first of one number of a device.
SELECT coalesce(sum(readings - numbers), 0)::bigint AS twice
  FROM (SELECT count(*) AS readings, count(DISTINCT (home_id, device_id, seq)) AS numbers FROM reading_vitals WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s
        UNION ALL SELECT count(*), count(DISTINCT (home_id, device_id, seq)) FROM reading_motion WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s
        UNION ALL SELECT count(*), count(DISTINCT (home_id, device_id, seq)) FROM reading_power WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s
        UNION ALL SELECT count(*), count(DISTINCT (home_id, device_id, seq)) FROM reading_water WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s
        UNION ALL SELECT count(*), count(DISTINCT (home_id, device_id, seq)) FROM reading_air WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s
        UNION ALL SELECT count(*), count(DISTINCT (home_id, device_id, seq)) FROM reading_contact WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s
        UNION ALL SELECT count(*), count(DISTINCT (home_id, device_id, seq)) FROM reading_status WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s
        UNION ALL SELECT count(*), count(DISTINCT (home_id, device_id, seq)) FROM reading_position WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s
        UNION ALL SELECT count(*), count(DISTINCT (home_id, device_id, seq)) FROM reading_call WHERE starts_with(home_id, %(prefix)s) AND boot = %(boot)s) AS r;

-- name: chaos_heard
-- When the writer last accounted for what each of some sources had stated (Kafka's wall clock).
SELECT source, extract(epoch FROM max(heard_at))::float8 AS heard_wall_s FROM sources WHERE source = ANY(%(sources)s) GROUP BY source;
