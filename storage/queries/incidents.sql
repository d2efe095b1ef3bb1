-- name: lock_incidents
-- One of the twins looks for incidents at a time.
SELECT pg_try_advisory_xact_lock(1397573636, 16) AS mine;

-- name: areas_offline
-- Towns without an open incident in which many homes fell silent lately, and nobody works on it yet.
SELECT left(c.area_code, 9) AS area, count(DISTINCT c.home_id)::integer AS homes, min(c.event_at) AS event_at
  FROM cases AS c
 WHERE c.family = 'technical' AND c.handling = 'QUEUED' AND c.condition = 'on' AND NOT c.test AND c.queued_at > %(since)s AND length(c.area_code) = 12
   AND EXISTS (SELECT FROM case_signals AS s WHERE s.case_id = c.case_id AND s.detector = 'device_silent' AND s."on")
   AND NOT EXISTS (SELECT FROM incidents AS i JOIN cases AS ic USING (case_id)
                    WHERE i.area = left(c.area_code, 9) AND ic.handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST'))
 GROUP BY 1
HAVING count(DISTINCT c.home_id) >= %(least)s;

-- name: put_incident
-- An incident begins.
INSERT INTO incidents (case_id, area, joined_at, homes, away, told_at) VALUES (%(case_id)s, %(area)s, %(now)s, 0, 0, %(now)s);

-- name: open_incidents
-- Incidents that are not over.
SELECT i.case_id, i.area, i.joined_at, i.homes, i.away, i.told_at
  FROM incidents AS i JOIN cases AS c USING (case_id)
 WHERE c.handling NOT IN ('CLOSED', 'MERGED', 'TEST')
 ORDER BY i.case_id;

-- name: cases_to_fold
-- Silent homes of an incident's town that fell silent with it, or belong to it already, and that nobody works on.
SELECT c.case_id
  FROM cases AS c
 WHERE c.family = 'technical' AND c.handling = 'QUEUED' AND c.condition = 'on' AND NOT c.test AND starts_with(c.area_code, %(area)s) AND length(c.area_code) = 12
   AND (c.queued_at BETWEEN %(since)s AND %(until)s OR EXISTS (SELECT FROM cases AS m WHERE m.merged_into = %(case_id)s AND m.home_id = c.home_id))
   AND EXISTS (SELECT FROM case_signals AS s WHERE s.case_id = c.case_id AND s.detector = 'device_silent')
 ORDER BY c.case_id
 LIMIT %(most)s;

-- name: count_incident
-- How many homes joined an incident, and how many of them have a silent device still.
SELECT count(DISTINCT m.home_id)::integer AS homes,
       count(DISTINCT m.home_id) FILTER (WHERE EXISTS (
           SELECT FROM device_silences AS s JOIN devices AS d USING (home_id, device_id) WHERE s.home_id = m.home_id AND s."on" AND d.bound))::integer AS away
  FROM cases AS m WHERE m.merged_into = %(case_id)s;

-- name: keep_incident
-- Its numbers, and when they last went into the case.
UPDATE incidents SET homes = %(homes)s, away = %(away)s, joined_at = %(joined_at)s, told_at = %(told_at)s WHERE case_id = %(case_id)s;

-- name: cases_to_unfold
-- Homes that are silent still though their incident is closed: each is a case of its own again, or is lost.
SELECT c.case_id
  FROM cases AS c JOIN cases AS i ON i.case_id = c.merged_into
 WHERE c.handling = 'MERGED' AND i.handling = 'CLOSED' AND EXISTS (SELECT FROM incidents WHERE incidents.case_id = i.case_id)
   AND EXISTS (SELECT FROM case_signals AS s JOIN device_silences AS d USING (detection_id) WHERE s.case_id = c.case_id AND d."on")
   AND NOT EXISTS (SELECT FROM cases AS o WHERE o.home_id = c.home_id AND o.family = 'technical' AND o.handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST'))
 ORDER BY c.case_id
 LIMIT %(most)s;

-- name: home_of_incident
-- A home of one's area that fell silent in this incident. No row: there is none.
SELECT h.home_id, h.area_code FROM homes AS h
 WHERE h.home_id = %(home_id)s AND starts_with(h.area_code, %(area_prefix)s)
   AND EXISTS (SELECT FROM cases AS m WHERE m.merged_into = %(case_id)s AND m.home_id = h.home_id);

-- name: incident_calls
-- How the last call to each of these homes went that somebody made about an incident. It stands in the history, as other calls do.
SELECT DISTINCT ON (home_id) home_id, at, actor, facts->>'result' AS result
  FROM audit WHERE case_id = %(case_id)s AND action = 'called_home' AND home_id = ANY(%(home_ids)s)
 ORDER BY home_id, audit_id DESC;

-- name: incident_homes
-- Homes of an incident that are not protected still, frailest first, a page at a time.
SELECT c.*, h.address
  FROM home_coverage AS c JOIN homes AS h USING (home_id)
 WHERE c.home_id IN (SELECT m.home_id FROM cases AS m WHERE m.merged_into = %(case_id)s)
   AND c.state <> 'protected' AND starts_with(c.area_code, %(area_prefix)s)
   AND (-c.care_level, c.oldest_year, c.home_id) > (-%(care_level)s::integer, %(oldest_year)s::integer, %(after)s::text)
 ORDER BY c.care_level DESC, c.oldest_year, c.home_id
 LIMIT %(most)s;
