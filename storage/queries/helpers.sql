-- name: put_helper
-- What kind of helper somebody is.
INSERT INTO helpers (user_name, kind) VALUES (%(user_name)s, %(kind)s) ON CONFLICT (user_name) DO UPDATE SET kind = excluded.kind;

-- name: helpers_near
-- Helpers who may be asked about a home's case: those of its area, who is busy last.
SELECT h.user_name, u.display_name, h.kind, h.phone,
       (SELECT count(*) FROM responses AS r WHERE r.user_name = h.user_name AND r.state IN ('accepted', 'on_way', 'arrived')) AS busy,
       (SELECT r.state FROM responses AS r WHERE r.user_name = h.user_name AND r.case_id = c.case_id) AS state
  FROM cases AS c JOIN users AS u ON starts_with(c.area_code, u.area_prefix) JOIN helpers AS h USING (user_name)
 WHERE c.case_id = %(case_id)s AND u.active
 ORDER BY busy, length(u.area_prefix) DESC, h.user_name
 LIMIT 100;

-- name: ask_helper
-- Somebody of the case's area is asked to go there; once declined they may be asked again. No row back: not of this area, or asked already.
INSERT INTO responses AS p (case_id, user_name, state, asked_by, asked_at, limit_s)
SELECT c.case_id, u.user_name, 'asked', %(asked_by)s, %(now)s, s.arrive_s
  FROM cases AS c JOIN homes AS o USING (home_id) JOIN service_circles AS s USING (setting)
  JOIN users AS u ON starts_with(c.area_code, u.area_prefix) JOIN helpers USING (user_name)
 WHERE c.case_id = %(case_id)s AND u.user_name = %(user_name)s AND u.active AND c.handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST')
    ON CONFLICT (case_id, user_name) DO UPDATE
   SET state = 'asked', asked_by = excluded.asked_by, asked_at = excluded.asked_at, answered_at = NULL, limit_s = excluded.limit_s
 WHERE p.state = 'declined'
RETURNING user_name;

-- name: responses_of_case
-- Who was asked to go to a case, and how far each is.
SELECT p.user_name, u.display_name, p.state, p.asked_by, p.asked_at, p.answered_at, p.on_way_at, p.arrived_at, p.left_at, p.result, p.note,
       p.asked_at + p.limit_s * interval '1 second' AS arrive_by,
       coalesce(p.arrived_at, %(now)s::timestamptz) > p.asked_at + p.limit_s * interval '1 second' AND p.state NOT IN ('declined') AS late
  FROM responses AS p JOIN users AS u USING (user_name)
 WHERE p.case_id = %(case_id)s ORDER BY p.asked_at, p.user_name;

-- name: tasks_of_helper
-- Where a helper is needed: asked and not declined, not left yet, of a case that is open, or that they still stand at.
SELECT c.case_id, c.family, c.priority, p.state, h.address, h.note AS home_note, h.key_at, h.pets, p.asked_at, p.arrived_at,
       p.asked_at + p.limit_s * interval '1 second' AS arrive_by,
       coalesce(p.arrived_at, %(now)s::timestamptz) > p.asked_at + p.limit_s * interval '1 second' AS late,
       (SELECT coalesce(array_agg(r.name ORDER BY r.resident_id), '{}') FROM residents AS r
         WHERE r.home_id = c.home_id AND (c.resident_id IS NULL OR r.resident_id = c.resident_id)) AS residents,
       (SELECT coalesce(array_agg(r.resident_id), '{}') FROM residents AS r
         WHERE r.home_id = c.home_id AND (c.resident_id IS NULL OR r.resident_id = c.resident_id)) AS resident_ids
  FROM responses AS p JOIN cases AS c USING (case_id) JOIN homes AS h USING (home_id)
 WHERE p.user_name = %(user_name)s AND p.state IN ('asked', 'accepted', 'on_way', 'arrived')
   AND (p.state IN ('on_way', 'arrived') OR c.handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST'))
 ORDER BY c.priority, p.asked_at;

-- name: move_response
-- A helper's next step. No row back: nobody asked them, or they are not where this step begins.
UPDATE responses SET state = %(state)s,
       answered_at = CASE WHEN %(state)s IN ('accepted', 'declined') THEN %(now)s ELSE answered_at END,
       on_way_at = CASE WHEN %(state)s = 'on_way' THEN %(now)s ELSE on_way_at END,
       arrived_at = CASE WHEN %(state)s = 'arrived' THEN %(now)s ELSE arrived_at END,
       left_at = CASE WHEN %(state)s = 'left' THEN %(now)s ELSE left_at END,
       result = coalesce(%(result)s, result), note = CASE WHEN %(note)s = '' THEN note ELSE %(note)s END
 WHERE case_id = %(case_id)s AND user_name = %(user_name)s AND state = ANY(%(before)s::text[])
RETURNING state, arrived_at - asked_at > limit_s * interval '1 second' AS late, extract(epoch FROM arrived_at - asked_at) AS arrived_after_s;

-- name: visits_due
-- Residents of an area who are visited regularly (of a named group, or of a care level that asks for more than the week), with the next visit's day; longest overdue first.
SELECT r.resident_id, r.name, r.groups, h.address, h.area_code, h.care_level, v.last_at, d.due_at, d.due_at < %(now)s::timestamptz AS overdue
  FROM residents AS r JOIN homes AS h USING (home_id) JOIN supervision_rules AS s USING (care_level)
  LEFT JOIN LATERAL (SELECT max(at) AS last_at FROM visits AS v WHERE v.resident_id = r.resident_id AND v.result <> 'not_met') AS v ON true
 CROSS JOIN LATERAL (SELECT coalesce(v.last_at, h.created_at) + s.visit_days * interval '1 day' AS due_at) AS d
 WHERE starts_with(h.area_code, %(area_prefix)s) AND h.removed_at IS NULL AND (cardinality(r.groups) > 0 OR s.visit_days < 7)
   AND (NOT %(only_overdue)s::boolean OR d.due_at < %(now)s::timestamptz)
 ORDER BY d.due_at, r.resident_id
 LIMIT %(most)s;

-- name: helper_kind
-- What kind of helper this is.
SELECT kind FROM helpers WHERE user_name = %(user_name)s;

-- name: put_visit
-- A visit that was made; the same again changes nothing. No row back: the resident is not of the helper's area.
INSERT INTO visits (resident_id, user_name, at, left_at, how, result, note)
SELECT r.resident_id, %(user_name)s, %(at)s, %(left_at)s, %(how)s, %(result)s, %(note)s
  FROM residents AS r JOIN homes AS h USING (home_id)
 WHERE r.resident_id = %(resident_id)s AND starts_with(h.area_code, %(area_prefix)s) AND h.removed_at IS NULL
    ON CONFLICT (resident_id, user_name, at) DO UPDATE SET result = excluded.result
RETURNING visit_id;

-- name: hours_of_helper
-- Hours that one helper gave.
SELECT coalesce(sum(extract(epoch FROM to_at - from_at)) / 3600.0, 0)::double precision AS hours FROM helper_hours WHERE user_name = %(user_name)s;

-- name: hours_of_area
-- What helpers of an area gave, between two instants, one row for each time; for the time bank.
SELECT g.user_name, u.display_name, h.kind AS helper_kind, g.kind, g.about, g.from_at, g.to_at,
       round(extract(epoch FROM g.to_at - g.from_at) / 3600.0, 2)::double precision AS hours
  FROM helper_hours AS g JOIN users AS u USING (user_name) JOIN helpers AS h USING (user_name)
 WHERE starts_with(u.area_prefix, %(area_prefix)s) AND g.from_at >= %(from_at)s AND g.from_at < %(to_at)s
 ORDER BY g.user_name, g.from_at
 LIMIT 100000;

-- name: set_groups
-- Which of the groups that the rules name a resident belongs to.
UPDATE residents SET groups = %(groups)s::text[] WHERE resident_id = %(resident_id)s RETURNING home_id;

-- name: put_assessment
-- A need assessment; the highest newest level of the home's residents becomes the home's care level.
WITH put AS (
    INSERT INTO assessments (resident_id, level, assessed_on, assessor, paper, recorded_by)
    VALUES (%(resident_id)s, %(level)s, %(assessed_on)s, %(assessor)s, %(paper)s, %(recorded_by)s) RETURNING resident_id, level, assessed_on
), newest AS (
    SELECT DISTINCT ON (a.resident_id) a.resident_id, a.level
      FROM (SELECT resident_id, level, assessed_on, 1 AS new FROM put UNION ALL SELECT resident_id, level, assessed_on, 0 FROM assessments) AS a
      JOIN residents AS r USING (resident_id)
     WHERE r.home_id = (SELECT home_id FROM residents WHERE resident_id = %(resident_id)s)
     ORDER BY a.resident_id, a.assessed_on DESC, a.new DESC
)
UPDATE homes SET care_level = (SELECT max(level) FROM newest)
 WHERE home_id = (SELECT home_id FROM residents WHERE resident_id = %(resident_id)s)
RETURNING home_id, care_level;

-- name: needs_of_resident
-- What is known of a resident's need, and when they are to be visited again; due_at none: of no group and of no level that is visited regularly.
SELECT r.groups, h.care_level, h.setting, v.last_at,
       CASE WHEN cardinality(r.groups) > 0 OR s.visit_days < 7 THEN coalesce(v.last_at, h.created_at) + s.visit_days * interval '1 day' END AS due_at
  FROM residents AS r JOIN homes AS h USING (home_id) JOIN supervision_rules AS s USING (care_level)
  LEFT JOIN LATERAL (SELECT max(at) AS last_at FROM visits AS v WHERE v.resident_id = r.resident_id AND v.result <> 'not_met') AS v ON true
 WHERE r.resident_id = %(resident_id)s;

-- name: assessments_of_resident
-- Need assessments, the newest first: the first counts.
SELECT level, assessed_on, assessor, paper, recorded_by, recorded_at FROM assessments
 WHERE resident_id = %(resident_id)s ORDER BY assessed_on DESC, assessment_id DESC LIMIT 50;

-- name: visits_of_resident
-- The last visits.
SELECT v.at, v.left_at, v.how, v.result, v.note, v.user_name, u.display_name FROM visits AS v JOIN users AS u USING (user_name)
 WHERE v.resident_id = %(resident_id)s ORDER BY v.at DESC LIMIT 20;

-- name: hours_totals_of_area
-- The sum of what each helper of an area gave between two instants.
SELECT g.user_name, u.display_name, h.kind AS helper_kind, count(*) AS times, count(*) FILTER (WHERE g.kind = 'visit') AS visits,
       round(sum(extract(epoch FROM g.to_at - g.from_at)) / 3600.0, 2)::double precision AS hours
  FROM helper_hours AS g JOIN users AS u USING (user_name) JOIN helpers AS h USING (user_name)
 WHERE starts_with(u.area_prefix, %(area_prefix)s) AND g.from_at >= %(from_at)s AND g.from_at < %(to_at)s
 GROUP BY g.user_name, u.display_name, h.kind
 ORDER BY hours DESC, g.user_name
 LIMIT 5000;
