-- name: asking_times
-- How long is asked first, by family.
SELECT family, wait_s, enabled FROM asking_times ORDER BY family;

-- name: asking_cases
-- Cases about which somebody is asked, the next to end first.
SELECT * FROM cases WHERE handling = 'ASKING' ORDER BY asking_until_at, case_id LIMIT %(limit)s;

-- name: people_to_ask
-- Who may be asked about homes: residents with a telephone, and kin who have the app and may know of alerts.
SELECT home_id, resident_id, 'voice' AS channel, resident_id AS recipient, phone FROM residents WHERE home_id = ANY(%(home_ids)s) AND phone <> ''
UNION ALL
SELECT r.home_id, r.resident_id, 'app', f.user_name, ''
  FROM kin_sees AS f JOIN users AS u USING (user_name) JOIN residents AS r USING (resident_id)
 WHERE r.home_id = ANY(%(home_ids)s) AND 'alerts' = ANY(f.scopes) AND u.active
 ORDER BY home_id, channel DESC, recipient, resident_id;

-- name: asked_of_homes
-- About how many cases of these homes somebody was asked since then.
SELECT c.home_id, count(DISTINCT q.case_id) AS asked
  FROM cases AS c JOIN case_questions AS q USING (case_id)
 WHERE c.home_id = ANY(%(home_ids)s) AND q.asked_at > %(since)s
 GROUP BY c.home_id;

-- name: questions_of_cases
-- What was asked about cases, in order.
SELECT * FROM case_questions WHERE case_id = ANY(%(case_ids)s) ORDER BY case_id, round, channel DESC, recipient;

-- name: question_by_id
-- One question.
SELECT * FROM case_questions WHERE question_id = %(question_id)s;

-- name: put_question
-- Keep a question as it stands; always under its case's lock.
INSERT INTO case_questions (question_id, case_id, round, channel, recipient, phone, token, asked_at, taken_until_at, told, detail, answer, answered_at)
VALUES (%(question_id)s, %(case_id)s, %(round)s, %(channel)s, %(recipient)s, %(phone)s, %(token)s, %(asked_at)s, %(taken_until_at)s, %(told)s,
        %(detail)s, %(answer)s, %(answered_at)s)
ON CONFLICT (question_id) DO UPDATE
   SET taken_until_at = EXCLUDED.taken_until_at, told = EXCLUDED.told, detail = EXCLUDED.detail, answer = EXCLUDED.answer,
       answered_at = EXCLUDED.answered_at;

-- name: open_review
-- Nobody took a P1 for minutes: somebody has to find out why. Once a case.
INSERT INTO incident_reviews (case_id, opened_at, waited_s) VALUES (%(case_id)s, %(at)s, %(waited_s)s) ON CONFLICT DO NOTHING;

-- name: open_reviews
-- Cases that nobody took for minutes, oldest first.
SELECT case_id, opened_at, waited_s FROM incident_reviews WHERE closed_at IS NULL ORDER BY opened_at, case_id;

-- name: api_open_reviews
-- Reviews of an area that nobody has closed, oldest first.
SELECT r.case_id, r.opened_at, r.waited_s, c.home_id, c.area_code, c.family, c.priority, c.handling
  FROM incident_reviews AS r JOIN cases AS c USING (case_id)
 WHERE r.closed_at IS NULL AND (c.area_code = '' OR starts_with(c.area_code, %(area_prefix)s))
 ORDER BY r.opened_at, r.case_id
 LIMIT 500;

-- name: api_close_review
-- Somebody found out why. No row back: it was closed already, or there is none.
UPDATE incident_reviews SET closed_at = %(now)s, closed_by = %(user_name)s, finding = %(finding)s
 WHERE case_id = %(case_id)s AND closed_at IS NULL
RETURNING case_id;

-- name: api_not_looked_at
-- Resolved P1 of an area that nobody had a second look at, oldest first.
SELECT case_id, version, home_id, area_code, resident_id, family, priority, score, handling, condition, raised_at, queued_at,
       deadline_at, asking_until_at, desk_id, lease_until_at, former_desk_id, rung, signals, test, resolved_at, resolved_by, outcome
  FROM cases
 WHERE handling = 'RESOLVED' AND priority = 1 AND looked_by IS NULL AND (area_code = '' OR starts_with(area_code, %(area_prefix)s))
 ORDER BY resolved_at, case_id
 LIMIT 500;

-- name: api_questions_of_kin
-- What one family user is asked at this moment: of residents linked to him whose case still waits for an answer.
SELECT q.question_id, q.asked_at, c.family, c.asking_until_at, c.home_id, r.resident_id, r.name
  FROM case_questions AS q JOIN cases AS c USING (case_id)
  JOIN LATERAL (
       SELECT resident_id, name FROM residents JOIN kin_sees USING (resident_id)
        WHERE home_id = c.home_id AND user_name = q.recipient AND 'alerts' = ANY(scopes)
        ORDER BY resident_id = c.resident_id DESC, resident_id LIMIT 1) AS r ON true
 WHERE q.channel = 'app' AND q.recipient = %(user_name)s AND q.answer IS NULL AND c.handling = 'ASKING'
 ORDER BY q.asked_at, q.question_id;

-- name: api_question_of_kin
-- Whether this question was put to this user, who still is kin of somebody there.
SELECT q.question_id
  FROM case_questions AS q JOIN cases AS c USING (case_id)
 WHERE q.question_id = %(question_id)s AND q.channel = 'app' AND q.recipient = %(user_name)s
   AND EXISTS (SELECT FROM residents JOIN kin_sees USING (resident_id)
                WHERE home_id = c.home_id AND user_name = q.recipient AND 'alerts' = ANY(scopes));
