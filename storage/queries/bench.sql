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

-- name: bench_fill_homes
-- A city's homes, spread over 20 towns of 50 communities.
INSERT INTO homes (home_id, area_code, address, care_level)
SELECT 'a-' || lpad(n::text, 6, '0'), %(area)s || lpad((n %% 20 + 101)::text, 3, '0') || lpad((n %% 50 + 1)::text, 3, '0'),
       '慈溪市' || (n %% 300) || '新村' || (n %% 500) || '幢' || (n %% 20) || '室', n %% 4
  FROM generate_series(0, %(residents)s::integer - 1) AS n;

-- name: bench_fill_residents
-- One in each home; a third of them live alone and are visited each week.
INSERT INTO residents (resident_id, home_id, name, birth_year, sex, phone, groups)
SELECT home_id || '-r', home_id, substr('沈陈王李张徐周胡罗孙', (n %% 10 + 1)::integer, 1) || '阿婆' || n, 1930 + n %% 30, 'f', '1380' || lpad(n::text, 7, '0'), CASE WHEN n %% 3 = 0 THEN '{alone}'::text[] ELSE '{}' END
  FROM (SELECT home_id, row_number() OVER (ORDER BY home_id) - 1 AS n FROM homes) AS h;

-- name: bench_fill_contacts
-- Two of each home.
INSERT INTO contacts (home_id, rank, name, relation, phone)
SELECT home_id, rank, '家属' || rank, 'daughter', '1390' || rank || substr(home_id, 3) FROM homes CROSS JOIN generate_series(1, 2) AS rank;

-- name: bench_fill_devices
-- Three of each home, heard a moment ago.
INSERT INTO devices (home_id, device_id, role, room, first_seen_at, last_seen_at)
SELECT home_id, role, role, 'living', now() - interval '90 days', now() FROM homes CROSS JOIN unnest(ARRAY['hub', 'motion', 'wearable']) AS role;

-- name: bench_fill_cases
-- Past ones over a year, and open ones.
INSERT INTO cases (case_id, version, home_id, area_code, resident_id, family, priority, score, handling, condition, event_at, raised_at, queued_at,
                   deadline_at, outcome, resolved_at, resolved_by, closed_at, first_queued_at, claimed_at, arrived_at, detector, device_id)
SELECT CASE WHEN past THEN 'past-' || lpad(n::text, 7, '0') ELSE 'open-' || n END, 5, h.home_id, h.area_code, h.home_id || '-r',
       (ARRAY['fall', 'sos', 'no_life', 'technical'])[n %% 4 + 1], n %% 4 + 1, 2, CASE WHEN past THEN 'CLOSED' ELSE 'QUEUED' END,
       CASE WHEN past THEN 'off' ELSE 'on' END, at, at, at, at + interval '3 minutes',
       CASE WHEN past THEN (ARRAY['fall_not_injured', 'sensor_false', 'accidental_press', 'assistance', 'duplicate'])[n %% 5 + 1] END, CASE WHEN past THEN at + interval '20 minutes' END, CASE WHEN past THEN 'desk' END,
       CASE WHEN past THEN at + interval '1 day' END, at, CASE WHEN past THEN at + n %% 240 * interval '1 second' END,
       CASE WHEN past AND n %% 9 = 0 THEN at + interval '11 minutes' END,
       (ARRAY['fall_wearable', 'call', 'inactivity', 'device_silent'])[n %% 4 + 1], (ARRAY['wearable', 'hub', 'motion'])[n %% 3 + 1]
  FROM (SELECT n, true AS past, n %% %(residents)s::integer AS home, now() - interval '2 days' - n * interval '31 seconds' AS at
          FROM generate_series(0, %(cases)s::integer - 1) AS n
        UNION ALL
        SELECT n, false, n * 7 %% %(residents)s::integer, now() - n * interval '1 second' FROM generate_series(0, %(open_cases)s::integer - 1) AS n) AS c
  JOIN homes AS h ON h.home_id = 'a-' || lpad(c.home::text, 6, '0');

-- name: bench_fill_signals
-- One of each case.
INSERT INTO case_signals (case_id, detection_id, detector, "on", score, reason, started_at)
SELECT case_id, case_id || '-d', 'fall_room', true, 2, 'fall_room.lying', raised_at FROM cases;

-- name: bench_fill_detections
-- The same.
INSERT INTO detections (detection_id, lane, revision, detector, family, home_id, "on", started_at, decided_at, case_id, body)
SELECT case_id || '-d', 'bulk', 0, 'fall_room', family, home_id, true, raised_at, raised_at, case_id, '{"reason": "fall_room.lying", "evidence": {}}' FROM cases;

-- name: bench_fill_audit
-- Four steps of each past case.
INSERT INTO audit (at, actor, action, case_id, home_id, version)
SELECT raised_at + step * interval '2 minutes', 'desk', (ARRAY['raised', 'claimed', 'verified', 'resolved'])[step], case_id, home_id, step
  FROM cases CROSS JOIN generate_series(1, 4) AS step WHERE handling = 'CLOSED';

-- name: bench_fill_desk_slots
-- Eight desks that had a case of some community in hand all the time.
INSERT INTO desk_slots (slot_at, area_code, actor)
SELECT DISTINCT date_bin('10 minutes', claimed_at, '2000-01-01 00:00+00'), area_code, 'desk-' || ascii(right(case_id, 1)) %% 8 FROM cases WHERE claimed_at IS NOT NULL;

-- name: bench_fill_visits
-- One of each who is visited; a seventh of them were met longer ago than a week.
INSERT INTO visits (resident_id, user_name, at, left_at, how, result)
SELECT resident_id, 'bench-worker', at, at + interval '20 minutes', 'door', 'well'
  FROM (SELECT resident_id, now() - (row_number() OVER (ORDER BY resident_id) %% 7 + 1) * interval '25 hours' AS at FROM residents WHERE cardinality(groups) > 0) AS v;

-- name: bench_fill_upstream_consents
-- Half of all agree to go out by name.
INSERT INTO upstream_consents (resident_id, agreed, given_by, ground, recorded_by, recorded_at)
SELECT resident_id, true, 'resident', 'a measurement', 'bench-lead', now() - interval '400 days' FROM residents WHERE right(resident_id, 3) < '5-r';

-- name: bench_coverage_waiting
-- Homes whose coverage is still to be worked out.
SELECT count(*) AS waiting FROM (SELECT FROM coverage_due LIMIT 1000) AS due;
