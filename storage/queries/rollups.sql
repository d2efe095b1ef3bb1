-- name: rollups_due
-- Hours that nobody has touched for a while, or that have waited long enough.
SELECT kind, home_id, hour_at, touched_at
  FROM rollup_due
 WHERE touched_at <= now() - make_interval(secs => %(after_s)s) OR marked_at <= now() - make_interval(secs => %(at_latest_s)s)
 ORDER BY hour_at, kind, home_id
 LIMIT %(at_most)s;

-- name: rollup_made
-- An hour is up to date, unless a row has touched it since.
DELETE FROM rollup_due WHERE kind = %(kind)s AND home_id = %(home_id)s AND hour_at = %(hour_at)s AND touched_at = %(touched_at)s;

-- name: rollup_vitals
-- One hour of vitals, of one home or ('') of all.
INSERT INTO hourly_vitals
SELECT home_id, device_id, %(hour_at)s::timestamptz, count(*), min(heart_rate_bpm), avg(heart_rate_bpm), max(heart_rate_bpm), min(spo2_pct), avg(spo2_pct),
       avg(skin_temp_c), max(body_temp_c), avg(breathing_rate_bpm), avg(systolic_mmhg), avg(diastolic_mmhg), sum(steps)::bigint
  FROM reading_vitals
 WHERE event_at >= %(hour_at)s::timestamptz AND event_at < %(hour_at)s::timestamptz + interval '1 hour' AND clock <> 3
   AND (%(home_id)s::text = '' OR home_id = %(home_id)s::text)
 GROUP BY home_id, device_id
    ON CONFLICT (home_id, device_id, hour_at) DO UPDATE
   SET readings = excluded.readings, heart_rate_min_bpm = excluded.heart_rate_min_bpm, heart_rate_avg_bpm = excluded.heart_rate_avg_bpm,
       heart_rate_max_bpm = excluded.heart_rate_max_bpm, spo2_min_pct = excluded.spo2_min_pct, spo2_avg_pct = excluded.spo2_avg_pct,
       skin_temp_avg_c = excluded.skin_temp_avg_c, body_temp_max_c = excluded.body_temp_max_c, breathing_rate_avg_bpm = excluded.breathing_rate_avg_bpm,
       systolic_avg_mmhg = excluded.systolic_avg_mmhg, diastolic_avg_mmhg = excluded.diastolic_avg_mmhg, steps = excluded.steps;

-- name: rollup_motion
-- One hour of motion.
INSERT INTO hourly_motion
SELECT home_id, device_id, %(hour_at)s::timestamptz, count(*), count(*) FILTER (WHERE moving), max(event_at) FILTER (WHERE moving), avg(illuminance_lx)
  FROM reading_motion
 WHERE event_at >= %(hour_at)s::timestamptz AND event_at < %(hour_at)s::timestamptz + interval '1 hour' AND clock <> 3
   AND (%(home_id)s::text = '' OR home_id = %(home_id)s::text)
 GROUP BY home_id, device_id
    ON CONFLICT (home_id, device_id, hour_at) DO UPDATE
   SET readings = excluded.readings, moves = excluded.moves, last_move_at = excluded.last_move_at, illuminance_avg_lx = excluded.illuminance_avg_lx;

-- name: rollup_contact
-- One hour of doors and windows.
INSERT INTO hourly_contact
SELECT home_id, device_id, %(hour_at)s::timestamptz, count(*), count(*) FILTER (WHERE open), count(*) FILTER (WHERE NOT open)
  FROM reading_contact
 WHERE event_at >= %(hour_at)s::timestamptz AND event_at < %(hour_at)s::timestamptz + interval '1 hour' AND clock <> 3
   AND (%(home_id)s::text = '' OR home_id = %(home_id)s::text)
 GROUP BY home_id, device_id
    ON CONFLICT (home_id, device_id, hour_at) DO UPDATE
   SET readings = excluded.readings, opened = excluded.opened, closed = excluded.closed;

-- name: rollup_presence
-- One hour of radar, beds and chairs.
INSERT INTO hourly_presence
SELECT home_id, device_id, %(hour_at)s::timestamptz, count(*), count(*) FILTER (WHERE present), count(*) FILTER (WHERE posture = 'lying'),
       avg(breathing_rate_bpm), avg(heart_rate_bpm)
  FROM reading_presence
 WHERE event_at >= %(hour_at)s::timestamptz AND event_at < %(hour_at)s::timestamptz + interval '1 hour' AND clock <> 3
   AND (%(home_id)s::text = '' OR home_id = %(home_id)s::text)
 GROUP BY home_id, device_id
    ON CONFLICT (home_id, device_id, hour_at) DO UPDATE
   SET readings = excluded.readings, present = excluded.present, lying = excluded.lying, breathing_rate_avg_bpm = excluded.breathing_rate_avg_bpm,
       heart_rate_avg_bpm = excluded.heart_rate_avg_bpm;

-- name: rollup_water
-- One hour of water.
INSERT INTO hourly_water
SELECT home_id, device_id, %(hour_at)s::timestamptz, count(*), sum(litres), max(flow_l_min), last(total_m3, event_at)
  FROM reading_water
 WHERE event_at >= %(hour_at)s::timestamptz AND event_at < %(hour_at)s::timestamptz + interval '1 hour' AND clock <> 3
   AND (%(home_id)s::text = '' OR home_id = %(home_id)s::text)
 GROUP BY home_id, device_id
    ON CONFLICT (home_id, device_id, hour_at) DO UPDATE
   SET readings = excluded.readings, litres = excluded.litres, flow_max_l_min = excluded.flow_max_l_min, total_last_m3 = excluded.total_last_m3;

-- name: rollup_power
-- One hour of plugs and appliances.
INSERT INTO hourly_power
SELECT home_id, device_id, %(hour_at)s::timestamptz, count(*), count(*) FILTER (WHERE "on"), avg(power_w), max(power_w), last(energy_kwh, event_at)
  FROM reading_power
 WHERE event_at >= %(hour_at)s::timestamptz AND event_at < %(hour_at)s::timestamptz + interval '1 hour' AND clock <> 3
   AND (%(home_id)s::text = '' OR home_id = %(home_id)s::text)
 GROUP BY home_id, device_id
    ON CONFLICT (home_id, device_id, hour_at) DO UPDATE
   SET readings = excluded.readings, switched_on = excluded.switched_on, power_avg_w = excluded.power_avg_w, power_max_w = excluded.power_max_w,
       energy_last_kwh = excluded.energy_last_kwh;

-- name: rollup_air
-- One hour of air.
INSERT INTO hourly_air
SELECT home_id, device_id, %(hour_at)s::timestamptz, count(*), min(temperature_c), avg(temperature_c), max(temperature_c), avg(humidity_pct), max(co_ppm),
       max(co2_ppm), max(gas_lel_pct), max(smoke_db_m), max(smoke_ppm)
  FROM reading_air
 WHERE event_at >= %(hour_at)s::timestamptz AND event_at < %(hour_at)s::timestamptz + interval '1 hour' AND clock <> 3
   AND (%(home_id)s::text = '' OR home_id = %(home_id)s::text)
 GROUP BY home_id, device_id
    ON CONFLICT (home_id, device_id, hour_at) DO UPDATE
   SET readings = excluded.readings, temperature_min_c = excluded.temperature_min_c, temperature_avg_c = excluded.temperature_avg_c,
       temperature_max_c = excluded.temperature_max_c, humidity_avg_pct = excluded.humidity_avg_pct, co_max_ppm = excluded.co_max_ppm,
       co2_max_ppm = excluded.co2_max_ppm, gas_max_lel_pct = excluded.gas_max_lel_pct, smoke_max_db_m = excluded.smoke_max_db_m,
       smoke_max_ppm = excluded.smoke_max_ppm;

-- name: rollup_holding
-- One hour of food temperatures.
INSERT INTO hourly_holding
SELECT home_id, device_id, %(hour_at)s::timestamptz, count(*), min(temperature_c), avg(temperature_c), max(temperature_c), count(*) FILTER (WHERE door_open)
  FROM reading_holding
 WHERE event_at >= %(hour_at)s::timestamptz AND event_at < %(hour_at)s::timestamptz + interval '1 hour' AND clock <> 3
   AND (%(home_id)s::text = '' OR home_id = %(home_id)s::text)
 GROUP BY home_id, device_id
    ON CONFLICT (home_id, device_id, hour_at) DO UPDATE
   SET readings = excluded.readings, temperature_min_c = excluded.temperature_min_c, temperature_avg_c = excluded.temperature_avg_c,
       temperature_max_c = excluded.temperature_max_c, door_open = excluded.door_open;

-- name: rollup_status
-- One hour of devices' own state.
INSERT INTO hourly_status
SELECT home_id, device_id, %(hour_at)s::timestamptz, count(*), min(battery_pct), count(*) FILTER (WHERE NOT online), avg(rssi_dbm)
  FROM reading_status
 WHERE event_at >= %(hour_at)s::timestamptz AND event_at < %(hour_at)s::timestamptz + interval '1 hour' AND clock <> 3
   AND (%(home_id)s::text = '' OR home_id = %(home_id)s::text)
 GROUP BY home_id, device_id
    ON CONFLICT (home_id, device_id, hour_at) DO UPDATE
   SET readings = excluded.readings, battery_min_pct = excluded.battery_min_pct, offline = excluded.offline, rssi_avg_dbm = excluded.rssi_avg_dbm;
