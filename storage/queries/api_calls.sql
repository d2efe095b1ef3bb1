-- name: api_callers
-- Homes to which a number belongs, residents' own first, with who has it, who lives there and what is open.
SELECT p.home_id, h.area_code, h.address, h.care_level, h.note,
       jsonb_agg(jsonb_build_object('name', p.name, 'relation', p.relation, 'resident_id', p.resident_id) ORDER BY p.place) AS matches,
       (SELECT jsonb_agg(jsonb_build_object('resident_id', r.resident_id, 'name', r.name, 'birth_year', r.birth_year) ORDER BY r.resident_id)
          FROM residents AS r WHERE r.home_id = p.home_id) AS residents,
       (SELECT jsonb_agg(jsonb_build_object('case_id', c.case_id, 'family', c.family, 'priority', c.priority, 'desk_id', c.desk_id) ORDER BY c.priority, c.raised_at)
          FROM cases AS c WHERE c.home_id = p.home_id AND c.handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST')) AS open_cases
  FROM people_of_number(%(number)s, %(most)s) WITH ORDINALITY AS p (home_id, resident_id, name, relation, place) JOIN homes AS h USING (home_id)
 WHERE starts_with(h.area_code, %(area_prefix)s)
 GROUP BY p.home_id, h.area_code, h.address, h.care_level, h.note
 ORDER BY min(p.place);

-- name: api_number_key
-- A number in its one form.
SELECT number_key(%(number)s) AS key;

-- name: api_resident_is_there
-- Whether a resident lives in a home.
SELECT resident_id FROM residents WHERE resident_id = %(resident_id)s AND home_id = %(home_id)s;

-- name: api_put_ring
-- What a telephone system says of a call, in whatever order it says it. Who hung up before anybody picked up is due at once.
INSERT INTO telephone_calls AS t (call_id, area_prefix, number, seat, home_id, resident_id, rang_at, due_at, answered_at, ended_at)
VALUES (%(call_id)s, %(area_prefix)s, %(number)s, %(seat)s, %(home_id)s, %(resident_id)s, %(now)s,
        CASE %(event)s::text WHEN 'ended' THEN %(now)s::timestamptz ELSE %(now)s::timestamptz + %(ring_s)s * interval '1 second' END,
        CASE %(event)s::text WHEN 'answered' THEN %(now)s::timestamptz END, CASE %(event)s::text WHEN 'ended' THEN %(now)s::timestamptz END)
ON CONFLICT (call_id) DO UPDATE
   SET seat = coalesce(EXCLUDED.seat, t.seat), answered_at = coalesce(t.answered_at, EXCLUDED.answered_at),
       ended_at = coalesce(t.ended_at, EXCLUDED.ended_at), due_at = least(t.due_at, EXCLUDED.due_at);

-- name: api_ringing
-- Calls that nobody has taken and no case came of: in the queue, at one's own desk, or at a desk where nobody sits.
SELECT t.call_id, t.number, t.seat, t.rang_at, t.due_at, t.answered_at, t.home_id, h.address,
       coalesce((SELECT jsonb_agg(r.name ORDER BY r.resident_id) FROM residents AS r WHERE r.home_id = t.home_id), '[]') AS names,
       coalesce((SELECT jsonb_agg(r.resident_id ORDER BY r.resident_id) FROM residents AS r WHERE r.home_id = t.home_id), '[]') AS resident_ids
  FROM telephone_calls AS t LEFT JOIN homes AS h USING (home_id)
 WHERE t.taken_by IS NULL AND t.due_at IS NOT NULL AND t.case_id IS NULL AND t.rang_at > %(since)s AND starts_with(t.area_prefix, %(area_prefix)s)
   AND (t.seat IS NULL
        OR NOT EXISTS (SELECT FROM sign_ons AS s WHERE s.desk_id = t.seat AND s.ended_at IS NULL AND s.user_name <> %(user_name)s)
        OR EXISTS (SELECT FROM sign_ons AS s WHERE s.desk_id = t.seat AND s.ended_at IS NULL AND s.user_name = %(user_name)s))
 ORDER BY t.rang_at, t.call_id
 LIMIT %(most)s;

-- name: api_ring
-- One call that rang, of one's area.
SELECT call_id, area_prefix, number, rang_at FROM telephone_calls
 WHERE call_id = %(call_id)s AND due_at IS NOT NULL AND starts_with(area_prefix, %(area_prefix)s);

-- name: api_put_aside
-- Somebody says that no case is to come of a call. No row back: somebody has taken it, or there is none.
UPDATE telephone_calls SET taken_by = %(user_name)s, taken_at = %(now)s, note = %(note)s
 WHERE call_id = %(call_id)s AND taken_by IS NULL AND case_id IS NULL AND due_at IS NOT NULL AND starts_with(area_prefix, %(area_prefix)s)
RETURNING home_id;

-- name: api_calls_of_case
-- Who rang about a case.
SELECT number, rang_at, answered_at, taken_by FROM telephone_calls WHERE case_id = %(case_id)s ORDER BY rang_at, call_id;

-- name: api_dials_of_case
-- Who was rung up about it.
SELECT number, asked_by, asked_at, result FROM telephone_dials WHERE case_id = %(case_id)s ORDER BY asked_at, dial_id;

-- name: api_may_dial
-- Whether somebody has this case, whether the number is one of its home's (or of who rang about it), and where he sits.
SELECT c.desk_id IS NOT DISTINCT FROM %(user_name)s AS mine,
       EXISTS (SELECT FROM residents AS r WHERE r.home_id = c.home_id AND r.phone <> '' AND number_key(r.phone) = number_key(%(number)s))
    OR EXISTS (SELECT FROM contacts AS k WHERE k.home_id = c.home_id AND number_key(k.phone) = number_key(%(number)s))
    OR EXISTS (SELECT FROM telephone_calls AS t WHERE t.case_id = c.case_id AND t.number <> '' AND number_key(t.number) = number_key(%(number)s)) AS known,
       (SELECT s.desk_id FROM sign_ons AS s WHERE s.user_name = %(user_name)s AND s.ended_at IS NULL) AS seat
  FROM cases AS c
 WHERE c.case_id = %(case_id)s;

-- name: api_put_dial
-- A desk has a number dialled.
INSERT INTO telephone_dials (dial_id, case_id, number, asked_by, asked_at, result, result_at)
VALUES (%(dial_id)s, %(case_id)s, %(number)s, %(user_name)s, %(now)s, %(result)s, CASE WHEN %(result)s::text IS NOT NULL THEN %(now)s::timestamptz END);

-- name: api_dial_result
-- How it went, the first word of it. No row back: there is none, or it is known.
UPDATE telephone_dials AS d SET result = %(result)s, result_at = %(now)s FROM cases AS c
 WHERE d.dial_id = %(dial_id)s AND d.result IS NULL AND c.case_id = d.case_id
RETURNING d.case_id, c.home_id, d.number;

-- name: api_dial
-- Whether a dial is known.
SELECT dial_id FROM telephone_dials WHERE dial_id = %(dial_id)s;
