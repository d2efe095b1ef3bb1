-- name: api_centres
-- Centres that one may know of, and how they are staffed now. Who was not heard lately does not count, also while nobody ends his time there.
SELECT c.area_prefix, c.name, c.least_on_duty, g.from_at AS short_since,
       (SELECT count(*) FROM sign_ons AS s WHERE s.ended_at IS NULL AND s.area_prefix = c.area_prefix AND s.seen_at > %(heard_since)s)::integer AS on_duty
  FROM centres AS c LEFT JOIN staffing_gaps AS g ON g.area_prefix = c.area_prefix AND g.ended_at IS NULL
 ORDER BY c.area_prefix;

-- name: api_desks
-- Desks of these centres, and who sits there.
SELECT d.desk_id, d.area_prefix, d.name, s.user_name, u.display_name, s.signed_on_at
  FROM desks AS d LEFT JOIN sign_ons AS s ON s.desk_id = d.desk_id AND s.ended_at IS NULL LEFT JOIN users AS u USING (user_name)
 WHERE d.closed_at IS NULL
 ORDER BY d.area_prefix, d.desk_id;

-- name: api_desk
-- One desk that is in use, and who sits there.
SELECT d.desk_id, d.area_prefix, s.user_name
  FROM desks AS d LEFT JOIN sign_ons AS s ON s.desk_id = d.desk_id AND s.ended_at IS NULL
 WHERE d.desk_id = %(desk_id)s AND d.closed_at IS NULL;

-- name: api_put_centre
-- A centre, new or changed.
INSERT INTO centres (area_prefix, name, least_on_duty) VALUES (%(area_prefix)s, %(name)s, %(least_on_duty)s)
ON CONFLICT (area_prefix) DO UPDATE SET name = EXCLUDED.name, least_on_duty = EXCLUDED.least_on_duty;

-- name: api_centre
-- Whether there is such a centre.
SELECT area_prefix FROM centres WHERE area_prefix = %(area_prefix)s;

-- name: api_put_desk
-- A desk, new or in use again. No row: it belongs to another centre.
INSERT INTO desks (desk_id, area_prefix, name) VALUES (%(desk_id)s, %(area_prefix)s, %(name)s)
ON CONFLICT (desk_id) DO UPDATE SET name = EXCLUDED.name, closed_at = NULL WHERE desks.area_prefix = EXCLUDED.area_prefix
RETURNING desk_id;

-- name: api_close_desk
-- A desk is taken away.
UPDATE desks SET closed_at = %(now)s WHERE desk_id = %(desk_id)s AND closed_at IS NULL;

-- name: api_sign_on_of
-- Where somebody sits.
SELECT sign_on_id, desk_id, area_prefix, signed_on_at FROM sign_ons WHERE user_name = %(user_name)s AND ended_at IS NULL;

-- name: api_sign_on
-- Somebody sits down. A unique violation: somebody else was faster.
INSERT INTO sign_ons (desk_id, area_prefix, user_name, signed_on_at, seen_at) VALUES (%(desk_id)s, %(area_prefix)s, %(user_name)s, %(now)s, %(now)s);

-- name: api_sign_off
-- Somebody leaves his seat.
UPDATE sign_ons SET ended_at = %(now)s, ended_why = %(why)s, successor = %(successor)s
 WHERE user_name = %(user_name)s AND ended_at IS NULL
RETURNING sign_on_id, desk_id, area_prefix;

-- name: api_seen_at_desk
-- The desk's page is there.
UPDATE sign_ons SET seen_at = %(now)s WHERE user_name = %(user_name)s AND ended_at IS NULL;

-- name: api_offers
-- Cases that wait and are being offered.
SELECT o.case_id, o.user_name, o.why, o.until_at
  FROM case_offers AS o JOIN cases AS c USING (case_id, spell)
 WHERE o.until_at > %(now)s AND c.handling = 'QUEUED' AND (c.area_code = '' OR starts_with(c.area_code, %(area_prefix)s))
 ORDER BY o.offered_at, o.case_id;

-- name: api_duties
-- Who is planned, from when to when, and whether he is there.
SELECT d.duty_id, d.area_prefix, d.user_name, u.display_name, d.from_at, d.to_at, d.made_by,
       EXISTS (SELECT FROM sign_ons AS s WHERE s.user_name = d.user_name AND s.area_prefix = d.area_prefix AND s.ended_at IS NULL) AS here
  FROM duties AS d JOIN users AS u USING (user_name)
 WHERE d.cancelled_at IS NULL AND d.to_at > %(from_at)s AND d.from_at < %(to_at)s
 ORDER BY d.from_at, d.area_prefix, d.user_name;

-- name: api_can_watch
-- Whether somebody may log in and sees all of a centre.
SELECT user_name FROM users
 WHERE user_name = %(user_name)s AND active AND role IN ('operator', 'supervisor') AND starts_with(%(area_prefix)s, area_prefix);

-- name: api_put_duty
-- Somebody is planned. No row: he is planned then already.
INSERT INTO duties (area_prefix, user_name, from_at, to_at, made_by, made_at)
SELECT %(area_prefix)s, %(user_name)s, %(from_at)s, %(to_at)s, %(made_by)s, %(now)s
 WHERE NOT EXISTS (SELECT FROM duties AS d WHERE d.user_name = %(user_name)s AND d.cancelled_at IS NULL AND d.to_at > %(from_at)s AND d.from_at < %(to_at)s)
RETURNING duty_id;

-- name: api_cancel_duty
-- Somebody is not planned any more.
UPDATE duties SET cancelled_at = %(now)s, cancelled_by = %(user_name)s WHERE duty_id = %(duty_id)s AND cancelled_at IS NULL RETURNING area_prefix, user_name AS whose;

-- name: api_gaps
-- When too few were on duty, newest first.
SELECT gap_id, area_prefix, from_at, ended_at, on_duty, least FROM staffing_gaps ORDER BY from_at DESC, gap_id DESC LIMIT %(most)s;

-- name: api_in_hand
-- What somebody works on and what he has on hold.
SELECT case_id, home_id, family, priority, handling, raised_at, held_until_at, hold_reason
  FROM cases
 WHERE desk_id = %(user_name)s AND handling IN ('CLAIMED', 'VERIFYING', 'DISPATCHED', 'ON_SCENE', 'HELD')
 ORDER BY priority, raised_at, case_id;

-- name: api_call_backs
-- Cases that these people resolved and promised to look at again.
SELECT case_id, home_id, family, priority, follow_up_at, outcome, resolved_by
  FROM cases
 WHERE handling = 'RESOLVED' AND follow_up_at IS NOT NULL AND resolved_by = ANY(%(user_names)s)
 ORDER BY follow_up_at, case_id;

-- name: api_second_looks_owed
-- P1 that these people resolved and nobody else has looked at.
SELECT case_id, home_id, family, priority, resolved_at, outcome, resolved_by
  FROM cases
 WHERE handling = 'RESOLVED' AND priority = 1 AND looked_by IS NULL AND NOT test AND resolved_by = ANY(%(user_names)s)
 ORDER BY resolved_at, case_id;

-- name: api_put_shift_handover
-- A hand-over as it is signed; it stays as it is.
INSERT INTO shift_handovers (handover_id, area_prefix, sign_on_id, from_user, written_at, document, digest)
VALUES (%(handover_id)s, %(area_prefix)s, %(sign_on_id)s, %(from_user)s, %(now)s, %(document)s, %(digest)s);

-- name: api_sign_handover
-- One of the two signatures. A unique violation: that part is signed.
INSERT INTO handover_signatures (handover_id, part, user_name, signed_at, digest) VALUES (%(handover_id)s, %(part)s, %(user_name)s, %(now)s, %(digest)s);

-- name: api_shift_handovers
-- Hand-overs with their signatures, newest first. One that waits is the newest of somebody who still sits there.
SELECT h.handover_id, h.area_prefix, h.from_user, h.written_at, h.document, h.digest, g.digest AS given_digest,
       t.user_name AS to_user, t.signed_at AS taken_at, t.digest AS taken_digest,
       t.user_name IS NULL AND s.ended_at IS NULL
           AND NOT EXISTS (SELECT FROM shift_handovers AS n WHERE n.sign_on_id = h.sign_on_id AND n.place > h.place) AS waits
  FROM shift_handovers AS h
  JOIN sign_ons AS s USING (sign_on_id)
  JOIN handover_signatures AS g ON g.handover_id = h.handover_id AND g.part = 'gives'
  LEFT JOIN handover_signatures AS t ON t.handover_id = h.handover_id AND t.part = 'takes'
 WHERE (%(handover_id)s::text IS NULL OR h.handover_id = %(handover_id)s::text)
   AND (%(before)s::timestamptz IS NULL OR h.written_at < %(before)s::timestamptz)
 ORDER BY h.written_at DESC, h.place DESC
 LIMIT %(most)s;

-- name: api_lock_sign_on_of
-- Where somebody sits, his seat locked until the end of the transaction.
SELECT sign_on_id, desk_id, area_prefix FROM sign_ons WHERE user_name = %(user_name)s AND ended_at IS NULL FOR UPDATE;
