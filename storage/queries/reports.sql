-- name: put_desk_slot
-- This desk has a case of this community in hand.
INSERT INTO desk_slots (slot_at, area_code, actor) VALUES (date_bin('10 minutes', %(at)s, '2000-01-01 00:00+00'), %(area_code)s, %(actor)s)
ON CONFLICT DO NOTHING;

-- name: report
-- A report of a period in one walk through its cases: counts by the next level of area, priority and hours of the day; by detector; by source; and the load of the desks.
WITH c AS MATERIALIZED (
    SELECT r.home_id, r.device_id, r.family, r.detector, r.priority, r.owed, r.by_call, r.raised_at, r.desk_at, r.claimed_at,
           left(area_code, %(digits)s) AS area, (extract(hour FROM raised_at AT TIME ZONE %(zone)s)::integer / %(band_h)s::integer) AS band,
           extract(epoch FROM coalesce(claimed_at, %(now)s) - first_queued_at)::float8 AS waited_s,
           extract(epoch FROM least(r.arrived_at, went.arrived_at) - raised_at)::float8 AS arrival_s,
           coalesce(ended_at, %(now)s) - raised_at > %(stale_s)s * interval '1 second' AS stale,
           -- A caller is no device: whether he was right says nothing of the alarms.
           NOT by_call AND coalesce(outcome = ANY(%(true_codes)s), false) AS was_true, NOT by_call AND coalesce(outcome = ANY(%(false_codes)s), false) AS was_false
      FROM report_cases AS r
      LEFT JOIN (SELECT case_id, min(arrived_at) AS arrived_at FROM responses WHERE asked_at >= %(from_at)s GROUP BY case_id) AS went USING (case_id)
     WHERE raised_at >= %(from_at)s AND raised_at < %(to_at)s AND starts_with(area_code, %(area_prefix)s)),
groups AS (
    SELECT CASE WHEN grouping(area) = 0 THEN 'area' WHEN grouping(priority) = 0 THEN 'priority' WHEN grouping(band) = 0 THEN 'band' ELSE 'all' END AS kind,
           coalesce(area, priority::text, band::text, '') AS name,
           count(*) AS raised,
           count(*) FILTER (WHERE by_call) AS calls,
           count(desk_at) AS alarms,
           count(*) FILTER (WHERE owed AND (claimed_at IS NOT NULL OR waited_s > 60)) AS known_60,
           count(*) FILTER (WHERE owed AND claimed_at IS NOT NULL AND waited_s <= 60) AS within_60,
           count(*) FILTER (WHERE owed AND (claimed_at IS NOT NULL OR waited_s > 180)) AS known_180,
           count(*) FILTER (WHERE owed AND claimed_at IS NOT NULL AND waited_s <= 180) AS within_180,
           count(*) FILTER (WHERE owed AND claimed_at IS NULL) AS unanswered,
           count(arrival_s) AS arrivals,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY arrival_s) AS arrival_p50_s,
           percentile_disc(0.9) WITHIN GROUP (ORDER BY arrival_s) AS arrival_p90_s,
           count(*) FILTER (WHERE was_true) AS true_alarms,
           count(*) FILTER (WHERE was_false) AS false_alarms,
           count(*) FILTER (WHERE stale) AS stale
      FROM c
     GROUP BY GROUPING SETS ((), (area), (priority), (band))),
detectors AS (
    SELECT detector AS name, count(*) AS raised, count(*) FILTER (WHERE was_true) AS true_alarms, count(*) FILTER (WHERE was_false) AS false_alarms
      FROM c WHERE NOT by_call GROUP BY detector),
-- One device's cases of one family. Chattering: three of them within an hour.
sources AS (
    SELECT home_id, device_id, family, count(*) AS alarms, count(*) FILTER (WHERE was_true) AS true_alarms, count(*) FILTER (WHERE was_false) AS false_alarms,
           coalesce(bool_or(again), false) AS chattering
      FROM (SELECT *, raised_at - lag(raised_at, 2) OVER (PARTITION BY home_id, device_id, family ORDER BY raised_at) <= interval '1 hour' AS again
              FROM c WHERE desk_at IS NOT NULL AND NOT by_call) AS alarms
     GROUP BY home_id, device_id, family),
busiest AS (SELECT * FROM sources ORDER BY alarms DESC, home_id, device_id, family LIMIT 10),
-- By ten minutes. A flood: more alarms than so many for each desk that had a case in hand.
alarms AS (
    SELECT date_bin('10 minutes', desk_at, '2000-01-01 00:00+00') AS slot_at, count(*) AS alarms FROM c WHERE desk_at < %(to_at)s GROUP BY 1),
desks AS (
    SELECT slot_at, count(DISTINCT actor) AS desks
      FROM desk_slots
     WHERE slot_at >= %(from_at)s AND slot_at < %(to_at)s AND starts_with(area_code, %(area_prefix)s)
     GROUP BY 1),
load AS (
    SELECT coalesce(sum(desks), 0) AS desk_slots, count(*) FILTER (WHERE alarms > %(flood)s * greatest(desks, 1)) AS floods,
           max(alarms::float8 / greatest(desks, 1)) AS worst, coalesce(sum(alarms) FILTER (WHERE desks IS NULL), 0) AS unattended,
           (SELECT count(*) FROM sources) AS sources, (SELECT count(*) FROM sources WHERE chattering) AS chattering
      FROM alarms FULL JOIN desks USING (slot_at))
SELECT (SELECT jsonb_agg(to_jsonb(g) ORDER BY g.kind, g.name) FROM groups AS g) AS groups,
       (SELECT coalesce(jsonb_agg(to_jsonb(d) ORDER BY d.raised DESC, d.name), '[]') FROM detectors AS d) AS detectors,
       (SELECT coalesce(jsonb_agg(to_jsonb(b) ORDER BY b.alarms DESC, b.home_id, b.device_id, b.family), '[]') FROM busiest AS b) AS sources,
       (SELECT to_jsonb(l) FROM load AS l) AS load;
