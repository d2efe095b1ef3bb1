-- name: handover_facts
-- The case, the person and the home, for medicine.
SELECT c.case_id, c.family, c.priority, c.score, c.handling, c.event_at, c.raised_at, c.resolved_at, c.outcome, h.home_id, h.address,
       r.resident_id, r.name, r.sex, r.birth_year, r.phone
  FROM cases AS c JOIN homes AS h USING (home_id)
  LEFT JOIN LATERAL (SELECT * FROM residents AS r WHERE r.home_id = c.home_id AND (c.resident_id IS NULL OR r.resident_id = c.resident_id)
                      ORDER BY r.resident_id LIMIT 1) AS r ON true
 WHERE c.case_id = %(case_id)s
   AND (c.resident_id IS NOT NULL OR (SELECT count(*) FROM residents AS o WHERE o.home_id = c.home_id) = 1);

-- name: handover_responses
-- Who went there.
SELECT p.user_name, u.display_name, p.state, p.asked_at, p.arrived_at, p.left_at, p.result, p.note
  FROM responses AS p JOIN users AS u USING (user_name) WHERE p.case_id = %(case_id)s AND p.state <> 'declined' ORDER BY p.asked_at, p.user_name;

-- name: handover_signals
-- What was measured.
SELECT detection_id, detector, device_id, reason, score, "on", started_at FROM case_signals WHERE case_id = %(case_id)s AND NOT withdrawn
 ORDER BY started_at, detection_id;

-- name: put_handover
-- A bundle that is to be sent.
INSERT INTO handovers (handover_id, case_id, bundle, asked_by, asked_at, next_at)
VALUES (%(handover_id)s, %(case_id)s, %(bundle)s::jsonb, %(asked_by)s, %(now)s, %(now)s);

-- name: take_handover
-- The next one that is due, this process's for a while.
UPDATE handovers SET taken_until_at = %(until)s, attempts = attempts + 1
 WHERE handover_id = (SELECT handover_id FROM handovers
                       WHERE sent_at IS NULL AND settled_at IS NULL AND next_at <= %(now)s AND attempts < %(most)s AND (taken_until_at IS NULL OR taken_until_at <= %(now)s)
                       ORDER BY next_at, handover_id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING handover_id, case_id, bundle, attempts;

-- name: handover_tried
-- How it went.
UPDATE handovers SET sent_at = %(sent_at)s, detail = %(detail)s, next_at = %(next_at)s, taken_until_at = NULL WHERE handover_id = %(handover_id)s;

-- name: handovers_of_case
-- What was handed over of a case.
SELECT handover_id, asked_by, asked_at, attempts, sent_at, settled_at, settled_how, detail, sent_at IS NULL AND settled_at IS NULL AND attempts >= %(most)s AS given_up
  FROM handovers WHERE case_id = %(case_id)s ORDER BY asked_at, handover_id;

-- name: handovers_not_taken
-- Bundles of an area that the other side did not take after several attempts and that nobody has settled, oldest first.
SELECT h.handover_id, h.case_id, c.home_id, c.family, h.asked_by, h.asked_at, h.attempts, h.detail, h.attempts >= %(most)s AS given_up
  FROM handovers AS h JOIN cases AS c USING (case_id)
 WHERE h.sent_at IS NULL AND h.settled_at IS NULL AND h.attempts >= %(told_after)s AND starts_with(c.area_code, %(area_prefix)s)
 ORDER BY h.asked_at, h.handover_id
 LIMIT 200;

-- name: handover_again
-- It is tried from the beginning. No row back: it was taken meanwhile.
UPDATE handovers SET attempts = 0, next_at = %(now)s, settled_at = NULL, settled_by = NULL
 WHERE handover_id = %(handover_id)s AND case_id = %(case_id)s AND sent_at IS NULL RETURNING handover_id;

-- name: settle_handover
-- The other side was told otherwise. No row back: it was taken meanwhile.
UPDATE handovers SET settled_at = %(now)s, settled_by = %(settled_by)s, settled_how = %(how)s
 WHERE handover_id = %(handover_id)s AND case_id = %(case_id)s AND sent_at IS NULL RETURNING handover_id;
