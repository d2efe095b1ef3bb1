-- name: lock_shifts
-- One of the twins keeps the shifts at a time.
SELECT pg_try_advisory_xact_lock(1397573636, 26) AS mine;

-- name: cases_of_desk
-- Cases that somebody works on or has on hold, the most urgent first.
SELECT case_id FROM cases WHERE desk_id = %(desk_id)s AND handling IN ('CLAIMED', 'VERIFYING', 'DISPATCHED', 'ON_SCENE', 'HELD') ORDER BY priority, case_id;

-- name: end_silent_desks
-- Desks whose page has said nothing for too long: whoever sat there is not on duty any more.
UPDATE sign_ons SET ended_at = %(now)s, ended_why = 'silent'
 WHERE ended_at IS NULL AND seen_at <= %(before)s
RETURNING sign_on_id, desk_id, user_name, area_prefix;

-- name: sign_ons_to_settle
-- Who left and whose cases have not gone on yet.
SELECT sign_on_id, user_name, ended_why, successor FROM sign_ons WHERE ended_at IS NOT NULL AND settled_at IS NULL ORDER BY ended_at, sign_on_id LIMIT 50;

-- name: settle_sign_on
-- The cases of one who left have gone on.
UPDATE sign_ons SET settled_at = %(now)s WHERE sign_on_id = %(sign_on_id)s AND settled_at IS NULL;

-- name: staffing_now
-- How many are on duty in each centre, how many should be, and since when there are too few.
SELECT c.area_prefix, c.name, c.least_on_duty AS least, g.gap_id, g.from_at, g.on_duty AS fewest,
       EXISTS (SELECT FROM desks AS d WHERE d.area_prefix = c.area_prefix AND d.closed_at IS NULL) AS has_desks,
       (SELECT count(*) FROM sign_ons AS s WHERE s.ended_at IS NULL AND s.area_prefix = c.area_prefix)::integer AS on_duty
  FROM centres AS c LEFT JOIN staffing_gaps AS g ON g.area_prefix = c.area_prefix AND g.ended_at IS NULL
 WHERE g.gap_id IS NOT NULL OR EXISTS (SELECT FROM desks AS d WHERE d.area_prefix = c.area_prefix AND d.closed_at IS NULL)
 ORDER BY c.area_prefix;

-- name: open_staffing_gap
-- Too few are on duty from now on.
INSERT INTO staffing_gaps (area_prefix, from_at, on_duty, least) VALUES (%(area_prefix)s, %(now)s, %(on_duty)s, %(least)s)
ON CONFLICT (area_prefix) WHERE ended_at IS NULL DO NOTHING;

-- name: deepen_staffing_gap
-- Even fewer are on duty.
UPDATE staffing_gaps SET on_duty = %(on_duty)s WHERE gap_id = %(gap_id)s AND on_duty > %(on_duty)s;

-- name: end_staffing_gap
-- Enough are on duty again, or the centre has no desks any more.
UPDATE staffing_gaps SET ended_at = %(now)s WHERE gap_id = %(gap_id)s AND ended_at IS NULL;

-- name: gaps_to_tell
-- Gaps that last, and who was told of them.
SELECT g.gap_id, g.area_prefix, g.from_at, g.on_duty, g.least, c.name,
       coalesce((SELECT jsonb_agg(to_jsonb(n)) FROM staffing_notices AS n WHERE n.gap_id = g.gap_id), '[]') AS notices
  FROM staffing_gaps AS g JOIN centres AS c USING (area_prefix)
 WHERE g.ended_at IS NULL AND g.from_at <= %(before)s
 ORDER BY g.gap_id;

-- name: take_staffing_notice
-- One twin tells a supervisor of a gap; no row: the other does, or it is done.
INSERT INTO staffing_notices (gap_id, recipient_id, taken_until_at, at) VALUES (%(gap_id)s, %(recipient_id)s, %(until)s, %(now)s)
ON CONFLICT (gap_id, recipient_id) DO UPDATE
   SET attempts = staffing_notices.attempts + 1, taken_until_at = EXCLUDED.taken_until_at, at = EXCLUDED.at, sent = NULL
 WHERE staffing_notices.sent IS NOT TRUE AND staffing_notices.taken_until_at <= %(now)s AND staffing_notices.attempts < %(most)s
RETURNING attempts;

-- name: keep_staffing_notice
-- How it went.
UPDATE staffing_notices SET sent = %(sent)s, detail = %(detail)s, at = %(now)s, taken_until_at = %(again_at)s
 WHERE gap_id = %(gap_id)s AND recipient_id = %(recipient_id)s;

-- name: seats_on_duty
-- Who is on duty, what he has in hand, what he took in the last hour, and whether a case is being offered to him.
SELECT s.user_name, u.area_prefix, s.signed_on_at,
       (SELECT count(*) FROM cases AS c WHERE c.desk_id = s.user_name AND c.handling IN ('CLAIMED', 'VERIFYING', 'DISPATCHED', 'ON_SCENE'))::integer AS in_hand,
       a.taken, a.taken_at,
       EXISTS (SELECT FROM case_offers AS o JOIN cases AS c USING (case_id, spell)
                WHERE o.user_name = s.user_name AND o.until_at > %(now)s AND c.handling = 'QUEUED') AS offered
  FROM sign_ons AS s JOIN users AS u USING (user_name)
 CROSS JOIN LATERAL (SELECT count(*)::integer AS taken, max(at) AS taken_at FROM audit
                      WHERE action = 'claimed' AND actor = s.user_name AND at > %(now)s::timestamptz - interval '1 hour') AS a
 WHERE s.ended_at IS NULL
 ORDER BY s.user_name;

-- name: cases_to_offer
-- Cases that wait and have not been offered in this time of waiting, in queue order, and by what each came into the queue. A new P1 is everybody's.
SELECT c.case_id, c.spell, c.priority, c.area_code, c.former_desk_id,
       (SELECT a.reason FROM audit AS a WHERE a.case_id = c.case_id AND a.action IN ('raised', 'queued', 'answered', 'released', 'lease_lost', 'hold_ended', 'reopened')
         ORDER BY a.audit_id DESC LIMIT 1) AS came_by
  FROM cases AS c
 WHERE c.handling = 'QUEUED' AND NOT c.test AND (c.priority > 1 OR c.former_desk_id IS NOT NULL)
   AND NOT EXISTS (SELECT FROM case_offers AS o WHERE o.case_id = c.case_id AND o.spell = c.spell)
 ORDER BY c.priority, (c.former_desk_id IS NULL), coalesce(c.deadline_at, c.raised_at), c.raised_at, c.case_id
 LIMIT %(most)s;

-- name: put_offer
-- Offer a case, once in each time of waiting.
INSERT INTO case_offers (case_id, spell, user_name, why, offered_at, until_at)
VALUES (%(case_id)s, %(spell)s, %(user_name)s, %(why)s, %(now)s, %(until)s) ON CONFLICT DO NOTHING;

-- name: forget_offers
-- Offers of long ago are of no use.
DELETE FROM case_offers WHERE until_at < %(before)s;

-- name: took_over_from
-- Who took over from whom lately, the newest word of each.
SELECT DISTINCT ON (user_name) user_name, successor FROM sign_ons WHERE successor IS NOT NULL AND ended_at > %(since)s ORDER BY user_name, ended_at DESC;

-- name: audit_shift
-- What happened to a shift: of a centre, not of a case or a home.
INSERT INTO audit (at, actor, action, reason, facts) VALUES (%(now)s, %(actor)s, %(action)s, '', %(facts)s::jsonb);
