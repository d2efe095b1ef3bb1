-- name: put_upstream_consent
-- What the resident (or a guardian) said about going out by name; in force from now on.
INSERT INTO upstream_consents (resident_id, agreed, given_by, giver, ground, recorded_by)
VALUES (%(resident_id)s, %(agreed)s, %(given_by)s, %(giver)s, %(ground)s, %(recorded_by)s) RETURNING consent_id;

-- name: upstream_consents
-- What was ever said about going out by name, newest first.
SELECT consent_id, agreed, given_by, giver, ground, recorded_by, recorded_at FROM upstream_consents
 WHERE resident_id = %(resident_id)s ORDER BY consent_id DESC;

-- name: upstream_people
-- Who goes out by name, in the order of their ids. With an instant: only who changed since, and who does not go out any more (gone, without a name).
SELECT r.resident_id, h.area_code, g.gone, CASE WHEN NOT g.gone THEN r.name END AS name, CASE WHEN NOT g.gone THEN r.birth_year END AS birth_year,
       CASE WHEN NOT g.gone THEN r.sex END AS sex, CASE WHEN NOT g.gone THEN h.care_level END AS care_level, CASE WHEN NOT g.gone THEN r.groups ELSE '{}' END AS groups,
       CASE WHEN NOT g.gone THEN h.setting END AS setting, CASE WHEN NOT g.gone THEN a.from_at END AS agreed_at
  FROM residents AS r JOIN homes AS h USING (home_id) LEFT JOIN upstream_agrees AS a USING (resident_id)
 CROSS JOIN LATERAL (SELECT a.resident_id IS NULL OR h.removed_at IS NOT NULL AS gone) AS g
 CROSS JOIN LATERAL (SELECT max(recorded_at) AS said_at, bool_or(agreed) AS ever FROM upstream_consents AS u WHERE u.resident_id = r.resident_id) AS said
 WHERE starts_with(h.area_code, %(area)s) AND r.resident_id > %(after)s AND said.ever
   AND CASE WHEN %(since)s::timestamptz IS NULL THEN NOT g.gone ELSE greatest(r.changed_at, h.changed_at, said.said_at) >= %(since)s::timestamptz END
 ORDER BY r.resident_id
 LIMIT %(most)s;

-- name: upstream_visits
-- Visits of those who go out by name, from their yes on.
SELECT v.visit_id, v.resident_id, h.area_code, v.at, v.left_at, v.how, v.result, k.kind AS helper_kind
  FROM visits AS v JOIN residents AS r USING (resident_id) JOIN homes AS h USING (home_id)
  JOIN upstream_agrees AS a ON a.resident_id = v.resident_id AND v.at >= a.from_at
  LEFT JOIN helpers AS k ON k.user_name = v.user_name
 WHERE starts_with(h.area_code, %(area)s) AND h.removed_at IS NULL AND v.visit_id > %(after)s
   AND (%(since)s::timestamptz IS NULL OR v.changed_at >= %(since)s::timestamptz OR a.from_at >= %(since)s::timestamptz)
 ORDER BY v.visit_id
 LIMIT %(most)s;

-- name: upstream_cases
-- Cases about one person who goes out by name, from their yes on. What is about several, or about a device, is counted and not listed.
SELECT c.case_id, p.resident_id, c.area_code, c.family, c.priority, c.score, c.handling, c.raised_at, c.claimed_at, c.resolved_at, c.outcome
  FROM cases AS c JOIN homes AS h USING (home_id)
 CROSS JOIN LATERAL (SELECT min(r.resident_id) AS resident_id, count(*) AS people FROM residents AS r
                      WHERE r.home_id = c.home_id AND (c.resident_id IS NULL OR r.resident_id = c.resident_id)) AS p
  JOIN upstream_agrees AS a ON a.resident_id = p.resident_id AND c.raised_at >= a.from_at
 WHERE starts_with(c.area_code, %(area)s) AND h.removed_at IS NULL AND p.people = 1 AND NOT c.test AND c.family <> 'technical' AND c.case_id > %(after)s
   AND (%(since)s::timestamptz IS NULL OR c.changed_at >= %(since)s::timestamptz OR a.from_at >= %(since)s::timestamptz)
 ORDER BY c.case_id
 LIMIT %(most)s;

-- name: upstream_counts_of_people
-- Residents who are not listed, by town: care level, group (one may be of several), and whether their regular visit is overdue.
WITH rest AS MATERIALIZED (
    SELECT r.resident_id, left(h.area_code, 9) AS area, h.care_level, r.groups,
           CASE WHEN cardinality(r.groups) = 0 AND s.visit_days >= 7 THEN 'not_regular'
                WHEN coalesce(v.last_at, h.created_at) + s.visit_days * interval '1 day' < %(now)s THEN 'overdue' ELSE 'in_time' END AS visited
      FROM residents AS r JOIN homes AS h USING (home_id) JOIN supervision_rules AS s USING (care_level) LEFT JOIN upstream_agrees AS a USING (resident_id)
      LEFT JOIN LATERAL (SELECT max(at) AS last_at FROM visits AS v WHERE v.resident_id = r.resident_id AND v.result <> 'not_met') AS v ON true
     WHERE starts_with(h.area_code, %(area)s) AND h.removed_at IS NULL AND a.resident_id IS NULL
)
SELECT area, '' AS month, 'care_level' AS dimension, care_level::text AS value, count(*) AS counted, count(*) AS people FROM rest GROUP BY area, care_level
 UNION ALL
SELECT area, '', 'group', coalesce(each, 'none'), count(*), count(*) FROM rest LEFT JOIN LATERAL unnest(groups) AS each ON true GROUP BY area, each
 UNION ALL
SELECT area, '', 'visit', visited, count(*), count(*) FROM rest GROUP BY area, visited
 ORDER BY area, dimension, value;

-- name: upstream_counts_of_visits
-- Visits that are not listed, by town and finished month of the home's own calendar.
WITH rest AS MATERIALIZED (
    SELECT left(h.area_code, 9) AS area, to_char(v.at AT TIME ZONE h.zone, 'YYYY-MM') AS month, v.how, v.result, v.resident_id
      FROM visits AS v JOIN residents AS r USING (resident_id) JOIN homes AS h USING (home_id)
      LEFT JOIN upstream_agrees AS a ON a.resident_id = v.resident_id AND v.at >= a.from_at AND h.removed_at IS NULL
     WHERE starts_with(h.area_code, %(area)s) AND a.resident_id IS NULL
       AND v.at AT TIME ZONE h.zone >= date_trunc('month', %(now)s::timestamptz AT TIME ZONE h.zone) - %(months)s * interval '1 month'
       AND v.at AT TIME ZONE h.zone < date_trunc('month', %(now)s::timestamptz AT TIME ZONE h.zone)
)
SELECT area, month, 'how' AS dimension, how AS value, count(*) AS counted, count(DISTINCT resident_id) AS people FROM rest GROUP BY area, month, how
 UNION ALL
SELECT area, month, 'result', result, count(*), count(DISTINCT resident_id) FROM rest GROUP BY area, month, result
 ORDER BY area, month, dimension, value;

-- name: upstream_counts_of_cases
-- Cases that are not listed, by town and finished month; a home stands for its people.
WITH rest AS MATERIALIZED (
    SELECT left(c.area_code, 9) AS area, to_char(c.raised_at AT TIME ZONE h.zone, 'YYYY-MM') AS month, c.family, c.priority, c.home_id, coalesce(c.outcome, 'open') AS outcome,
           CASE WHEN c.claimed_at IS NULL THEN 'never' WHEN c.claimed_at <= c.raised_at + interval '60 s' THEN 'within_60_s'
                WHEN c.claimed_at <= c.raised_at + interval '180 s' THEN 'within_180_s' ELSE 'later' END AS answered
      FROM cases AS c JOIN homes AS h USING (home_id)
     CROSS JOIN LATERAL (SELECT min(r.resident_id) AS resident_id, count(*) AS people FROM residents AS r
                          WHERE r.home_id = c.home_id AND (c.resident_id IS NULL OR r.resident_id = c.resident_id)) AS p
      LEFT JOIN upstream_agrees AS a ON a.resident_id = p.resident_id AND c.raised_at >= a.from_at AND p.people = 1 AND c.family <> 'technical' AND h.removed_at IS NULL
     WHERE starts_with(c.area_code, %(area)s) AND NOT c.test AND a.resident_id IS NULL
       AND c.raised_at AT TIME ZONE h.zone >= date_trunc('month', %(now)s::timestamptz AT TIME ZONE h.zone) - %(months)s * interval '1 month'
       AND c.raised_at AT TIME ZONE h.zone < date_trunc('month', %(now)s::timestamptz AT TIME ZONE h.zone)
)
SELECT area, month, 'family' AS dimension, family AS value, count(*) AS counted, count(DISTINCT home_id) AS people FROM rest GROUP BY area, month, family
 UNION ALL
SELECT area, month, 'priority', priority::text, count(*), count(DISTINCT home_id) FROM rest GROUP BY area, month, priority
 UNION ALL
SELECT area, month, 'outcome', outcome, count(*), count(DISTINCT home_id) FROM rest GROUP BY area, month, outcome
 UNION ALL
SELECT area, month, 'answered', answered, count(*), count(DISTINCT home_id) FROM rest GROUP BY area, month, answered
 ORDER BY area, month, dimension, value;
