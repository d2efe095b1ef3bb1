-- name: api_reasons_of_cases
-- What was said in cases, in order, each sentence once with its newest numbers. A smoke alarm that is over was a smoke alarm: the operator reads both.
-- Where fevers of several residents are gathered in one case, each is said, and whose it is. An incident has no detections: it says how many are silent.
SELECT case_id, reason, evidence, says_on, decided_at, revision FROM (
    SELECT DISTINCT ON (case_id, body->>'reason', whose) case_id, body->>'reason' AS reason, "on" AND NOT withdrawn AS says_on, decided_at, revision,
           body->'evidence' || CASE WHEN whose IS NULL THEN '{}' ELSE jsonb_build_object('resident', whose) END AS evidence
      FROM detections
     CROSS JOIN LATERAL (SELECT CASE WHEN detector = 'fever' THEN coalesce(body->>'resident_id', concat_ws('.', home_id, body->>'device_id')) END AS whose) AS w
     WHERE case_id = ANY(%(case_ids)s)
     ORDER BY case_id, body->>'reason', whose, decided_at DESC, revision DESC) AS newest
 UNION ALL
SELECT i.case_id, r->>'key', r->'evidence', c.condition = 'on', c.raised_at, 0
  FROM incidents AS i JOIN cases AS c USING (case_id) CROSS JOIN LATERAL jsonb_array_elements(c.reasons) AS r
 WHERE i.case_id = ANY(%(case_ids)s)
 ORDER BY case_id, decided_at, revision;

-- name: api_open_cases
-- Open cases of an area in queue order (or by time); a case of an unregistered home has no area and belongs to every desk.
SELECT case_id, version, home_id, area_code, resident_id, family, priority, score, handling, condition, raised_at, queued_at,
       deadline_at, asking_until_at, held_until_at, desk_id, lease_until_at, former_desk_id, rung, signals, test
  FROM cases
 WHERE handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST')
   AND (area_code = '' OR starts_with(area_code, %(area_prefix)s))
   AND (%(family)s::text IS NULL OR family = %(family)s::text)
   AND (%(priority)s::smallint IS NULL OR priority = %(priority)s::smallint)
   AND (%(desk_id)s::text IS NULL OR desk_id = %(desk_id)s::text)
   AND (NOT %(waiting)s::boolean OR handling IN ('RAISED', 'ASKING', 'QUEUED'))
 ORDER BY CASE WHEN %(by_time)s::boolean THEN NULL ELSE priority END,
          CASE WHEN %(by_time)s::boolean THEN NULL ELSE (former_desk_id IS NULL OR handling <> 'QUEUED') END,
          CASE WHEN %(by_time)s::boolean THEN raised_at ELSE deadline_at END NULLS LAST, raised_at, case_id
 LIMIT %(most)s OFFSET %(skip)s;

-- name: api_leases
-- What somebody has in hand under a lease that runs: a hold waits without one.
SELECT case_id, lease_id FROM cases
 WHERE handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST') AND desk_id = %(desk_id)s AND lease_id IS NOT NULL AND lease_until_at IS NOT NULL
   AND (area_code = '' OR starts_with(area_code, %(area_prefix)s))
 ORDER BY case_id;

-- name: api_count_open_cases
-- How many open cases there are behind the pages of api_open_cases.
SELECT count(*) AS total
  FROM cases
 WHERE handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST')
   AND (area_code = '' OR starts_with(area_code, %(area_prefix)s))
   AND (%(family)s::text IS NULL OR family = %(family)s::text)
   AND (%(priority)s::smallint IS NULL OR priority = %(priority)s::smallint)
   AND (%(desk_id)s::text IS NULL OR desk_id = %(desk_id)s::text)
   AND (NOT %(waiting)s::boolean OR handling IN ('RAISED', 'ASKING', 'QUEUED'));

-- name: api_just_finished
-- Cases that left the queue lately, so that an older change still on its way does not bring them back on a page.
SELECT case_id, version FROM cases
 WHERE handling IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST') AND greatest(raised_at, resolved_at, closed_at) > %(since)s;

-- name: api_area_of_case
-- Where a case is, to see whether a desk may.
SELECT area_code, home_id FROM cases WHERE case_id = %(case_id)s;

-- name: api_earlier_cases
-- The last incidents of a home beside this one, newest first; tests are none.
SELECT case_id, version, resident_id, family, priority, handling, raised_at, coalesce(resolved_at, closed_at) AS ended_at, outcome
  FROM cases
 WHERE home_id = %(home_id)s AND case_id <> %(case_id)s AND NOT test
 ORDER BY raised_at DESC, case_id
 LIMIT %(most)s;

-- name: api_open_cases_of_home
-- Open cases of one home, most urgent first; also one of its institution that holds a fever of this home. By their ids: with OR all open cases are read.
SELECT case_id, version, home_id, area_code, resident_id, family, priority, score, handling, condition, raised_at, queued_at,
       deadline_at, asking_until_at, held_until_at, desk_id, lease_until_at, former_desk_id, rung, signals, test
  FROM cases
 WHERE case_id = ANY (ARRAY(SELECT c.case_id FROM cases AS c WHERE c.home_id = %(home_id)s AND c.handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST')
                          UNION ALL
                         SELECT d.case_id FROM detections AS d WHERE d.home_id = %(home_id)s AND d.detector = 'fever' AND d.case_id IS NOT NULL))
   AND handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST')
 ORDER BY priority, raised_at;

-- name: api_home
-- A home's record.
SELECT home_id, area_code, address, zone, care_level, site_id, note, key_at, pets, away_until FROM homes WHERE home_id = %(home_id)s;

-- name: api_residents_of_home
-- Who lives in a home.
SELECT resident_id, name, birth_year, sex, phone, note, conditions, mobility, dialect, oxygen FROM residents WHERE home_id = %(home_id)s ORDER BY resident_id;

-- name: api_contacts_of_home
-- Whom to call, in order.
SELECT contact_id, rank, name, relation, phone FROM contacts WHERE home_id = %(home_id)s ORDER BY rank, contact_id;
