-- name: put_call
-- Keep a telephone call with the case that came of it. One that rang is there already; who took it first stays.
INSERT INTO telephone_calls (call_id, area_prefix, number, home_id, resident_id, rang_at, taken_by, taken_at, case_id)
VALUES (%(call_id)s, %(area_prefix)s, %(number)s, %(home_id)s, %(resident_id)s, %(rang_at)s, %(taken_by)s,
        CASE WHEN %(taken_by)s::text IS NOT NULL THEN %(now)s::timestamptz END, %(case_id)s)
ON CONFLICT (call_id) DO UPDATE
   SET case_id = EXCLUDED.case_id, taken_by = coalesce(telephone_calls.taken_by, EXCLUDED.taken_by),
       taken_at = coalesce(telephone_calls.taken_at, EXCLUDED.taken_at);

-- name: calls_due
-- Calls that rang for too long, or were hung up, before anybody took them.
SELECT call_id, area_prefix, number, home_id, resident_id, rang_at, number_key(number) AS key
  FROM telephone_calls
 WHERE case_id IS NULL AND taken_by IS NULL AND answered_at IS NULL AND due_at <= %(now)s
 ORDER BY due_at, call_id
 LIMIT %(most)s;
