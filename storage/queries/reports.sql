-- name: put_desk_slot
-- This desk has a case of this community in hand.
INSERT INTO desk_slots (slot_at, area_code, actor) VALUES (date_bin('10 minutes', %(at)s, '2000-01-01 00:00+00'), %(area_code)s, %(actor)s)
ON CONFLICT DO NOTHING;

-- name: report_groups
-- Counts of the cases raised in a period: together, by the next level of area, by priority, and by the hours of the day.
WITH c AS MATERIALIZED (
    SELECT r.*, left(area_code, %(digits)s) AS area, (extract(hour FROM raised_at AT TIME ZONE %(zone)s)::integer / %(band_h)s::integer) AS band,
           extract(epoch FROM coalesce(claimed_at, %(now)s) - first_queued_at) AS waited_s,
           extract(epoch FROM least(r.arrived_at, went.arrived_at) - raised_at) AS arrival_s,
           coalesce(ended_at, %(now)s) - raised_at > %(stale_s)s * interval '1 second' AS stale
      FROM report_cases AS r
      LEFT JOIN (SELECT case_id, min(arrived_at) AS arrived_at FROM responses WHERE asked_at >= %(from_at)s GROUP BY case_id) AS went USING (case_id)
     WHERE raised_at >= %(from_at)s AND raised_at < %(to_at)s AND starts_with(area_code, %(area_prefix)s))
SELECT CASE WHEN grouping(area) = 0 THEN 'area' WHEN grouping(priority) = 0 THEN 'priority' WHEN grouping(band) = 0 THEN 'band' ELSE 'all' END AS kind,
       coalesce(area, priority::text, band::text, '') AS name,
       count(*)::integer AS raised,
       (count(*) FILTER (WHERE desk_at IS NOT NULL))::integer AS alarms,
       (count(*) FILTER (WHERE owed AND (claimed_at IS NOT NULL OR waited_s > 60)))::integer AS known_60,
       (count(*) FILTER (WHERE owed AND claimed_at IS NOT NULL AND waited_s <= 60))::integer AS within_60,
       (count(*) FILTER (WHERE owed AND (claimed_at IS NOT NULL OR waited_s > 180)))::integer AS known_180,
       (count(*) FILTER (WHERE owed AND claimed_at IS NOT NULL AND waited_s <= 180))::integer AS within_180,
       (count(*) FILTER (WHERE owed AND claimed_at IS NULL))::integer AS unanswered,
       (count(arrival_s))::integer AS arrivals,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY arrival_s) AS arrival_p50_s,
       percentile_disc(0.9) WITHIN GROUP (ORDER BY arrival_s) AS arrival_p90_s,
       (count(*) FILTER (WHERE outcome = ANY(%(true_codes)s)))::integer AS true_alarms,
       (count(*) FILTER (WHERE outcome = ANY(%(false_codes)s)))::integer AS false_alarms,
       (count(*) FILTER (WHERE stale))::integer AS stale
  FROM c
 GROUP BY GROUPING SETS ((), (area), (priority), (band))
 ORDER BY 1, 2;

-- name: report_detectors
-- What became of the cases of each detector.
SELECT detector AS name, count(*)::integer AS raised,
       (count(*) FILTER (WHERE outcome = ANY(%(true_codes)s)))::integer AS true_alarms,
       (count(*) FILTER (WHERE outcome = ANY(%(false_codes)s)))::integer AS false_alarms
  FROM report_cases
 WHERE raised_at >= %(from_at)s AND raised_at < %(to_at)s AND starts_with(area_code, %(area_prefix)s)
 GROUP BY detector
 ORDER BY raised DESC, detector;

-- name: report_sources
-- Who raised most: one device's cases of one family. Chattering: three of them within an hour. The two counts are of all sources, not of these ten.
WITH c AS MATERIALIZED (
    SELECT home_id, device_id, family, outcome, raised_at,
           raised_at - lag(raised_at, 2) OVER (PARTITION BY home_id, device_id, family ORDER BY raised_at) <= interval '1 hour' AS again
      FROM report_cases
     WHERE raised_at >= %(from_at)s AND raised_at < %(to_at)s AND starts_with(area_code, %(area_prefix)s) AND desk_at IS NOT NULL)
SELECT home_id, device_id, family, count(*)::integer AS alarms,
       (count(*) FILTER (WHERE outcome = ANY(%(true_codes)s)))::integer AS true_alarms,
       (count(*) FILTER (WHERE outcome = ANY(%(false_codes)s)))::integer AS false_alarms,
       coalesce(bool_or(again), false) AS chattering,
       (sum(CASE WHEN bool_or(again) THEN 1 ELSE 0 END) OVER ())::integer AS all_chattering,
       (count(*) OVER ())::integer AS sources
  FROM c
 GROUP BY home_id, device_id, family
 ORDER BY alarms DESC, home_id, device_id, family
 LIMIT 10;

-- name: report_load
-- Alarms and desks by ten minutes. A flood: more than ten alarms for each desk that had a case in hand.
WITH alarms AS (
    SELECT date_bin('10 minutes', desk_at, '2000-01-01 00:00+00') AS slot_at, count(*) AS alarms
      FROM report_cases
     WHERE raised_at >= %(from_at)s - interval '1 day' AND raised_at < %(to_at)s AND desk_at >= %(from_at)s AND desk_at < %(to_at)s
       AND starts_with(area_code, %(area_prefix)s)
     GROUP BY 1),
desks AS (
    SELECT slot_at, count(DISTINCT actor) AS desks
      FROM desk_slots
     WHERE slot_at >= %(from_at)s AND slot_at < %(to_at)s AND starts_with(area_code, %(area_prefix)s)
     GROUP BY 1)
SELECT coalesce(sum(desks), 0)::integer AS desk_slots,
       (count(*) FILTER (WHERE alarms > %(flood)s * greatest(desks, 1)))::integer AS floods,
       max(alarms::float8 / greatest(desks, 1)) AS worst,
       coalesce(sum(alarms) FILTER (WHERE desks IS NULL), 0)::integer AS unattended
  FROM alarms FULL JOIN desks USING (slot_at);
