-- name: api_recipients
-- Who is told, with rota and the newest trial; never the address.
SELECT r.recipient_id, r.kind, r.name, r.language, r.area_prefix, r.home_id, r.consented_at, r.ground, r.lowest_priority, r.most_per_hour, r.cost,
       r.most_cost_per_day, r.enabled OR r.paused_until_at <= %(now)s AS enabled,
       CASE WHEN NOT r.enabled AND r.paused_until_at > %(now)s THEN r.paused_by END AS paused_by,
       CASE WHEN NOT r.enabled AND r.paused_until_at > %(now)s THEN r.paused_until_at END AS paused_until_at, r.way, r.user_name,
       coalesce((SELECT jsonb_agg(jsonb_build_object('weekday', t.weekday, 'from_minute', t.from_minute, 'to_minute', t.to_minute, 'zone', t.zone)
                                  ORDER BY t.weekday, t.from_minute) FROM rota AS t WHERE t.recipient_id = r.recipient_id), '[]') AS duties,
       trial.asked_at AS tried_at, trial.sent AS trial_sent, trial.detail AS trial_detail
  FROM recipients AS r
  LEFT JOIN LATERAL (SELECT asked_at, sent, detail FROM recipient_trials AS t WHERE t.recipient_id = r.recipient_id ORDER BY trial_id DESC LIMIT 1) AS trial ON true
 WHERE (r.kind = 'kin' OR starts_with(r.area_prefix, %(area_prefix)s)) AND r.recipient_id > %(after)s
 ORDER BY r.recipient_id
 LIMIT %(most)s;

-- name: api_recipient
-- One of them.
SELECT recipient_id, kind, area_prefix, home_id, user_name FROM recipients
 WHERE recipient_id = %(recipient_id)s AND (kind = 'kin' OR starts_with(area_prefix, %(area_prefix)s));

-- name: api_put_recipient
-- Somebody, or something, that is told from now on.
INSERT INTO recipients (recipient_id, kind, name, url, language, area_prefix, home_id, consented_at, ground, lowest_priority, most_per_hour, cost,
                        most_cost_per_day, way, reach)
VALUES (%(recipient_id)s, %(kind)s, %(name)s, %(url)s, %(language)s, %(area_prefix)s, %(home_id)s, %(consented_at)s, %(ground)s, %(lowest_priority)s,
        %(most_per_hour)s, %(cost)s, %(most_cost_per_day)s, %(way)s, %(reach)s);

-- name: api_pause_recipient
-- Told no more until then, or told again.
UPDATE recipients SET enabled = %(until_at)s::timestamptz IS NULL, paused_by = %(paused_by)s, paused_until_at = %(until_at)s WHERE recipient_id = %(recipient_id)s;

-- name: api_drop_recipient
-- Not a recipient any more; what was sent stays in the cases.
DELETE FROM recipients WHERE recipient_id = %(recipient_id)s;

-- name: api_drop_duties_of_recipient
-- The rota begins anew.
DELETE FROM rota WHERE recipient_id = %(recipient_id)s;

-- name: api_put_duty_of_recipient
-- A stretch of a weekday on which a recipient is told.
INSERT INTO rota (recipient_id, weekday, from_minute, to_minute, zone) VALUES (%(recipient_id)s, %(weekday)s, %(from_minute)s, %(to_minute)s, %(zone)s);

-- name: api_ask_trial
-- A message to see whether the address works; alerts sends it. No row: one was asked for a moment ago.
INSERT INTO recipient_trials (recipient_id, asked_by, asked_at)
SELECT %(recipient_id)s, %(asked_by)s, %(now)s
 WHERE NOT EXISTS (SELECT FROM recipient_trials WHERE recipient_id = %(recipient_id)s AND asked_at > %(since)s)
RETURNING trial_id;

-- name: take_trials
-- Trials to send, one twin's for a while.
UPDATE recipient_trials AS t SET taken_until_at = %(until)s
  FROM recipients AS r
 WHERE t.trial_id IN (SELECT trial_id FROM recipient_trials WHERE sent IS NULL AND (taken_until_at IS NULL OR taken_until_at <= %(now)s)
                       ORDER BY trial_id LIMIT 20 FOR UPDATE SKIP LOCKED)
   AND r.recipient_id = t.recipient_id
RETURNING t.trial_id, r.recipient_id, r.kind, r.url, r.language;

-- name: keep_trial
-- How a trial went.
UPDATE recipient_trials SET sent = %(sent)s, detail = %(detail)s, at = %(now)s WHERE trial_id = %(trial_id)s;

-- name: api_ladders
-- The ladders of areas that touch one's own: the site's and wider ones hold here too; and which kinds of recipients each could tell now, of one's area or the ladder's, whichever is narrower.
SELECT e.area_prefix, e.priority, e.rung, e.after_s, e.who, e.enabled, e.changed_by, e.changed_at, coalesce(k.kinds, '{}') AS kinds
  FROM escalation_rungs AS e
  LEFT JOIN LATERAL (
       SELECT jsonb_object_agg(kind, everywhere) AS kinds
         FROM kinds_told(CASE WHEN starts_with(e.area_prefix, %(area_prefix)s) THEN e.area_prefix ELSE %(area_prefix)s END, e.priority, %(now)s)) AS k ON true
 WHERE starts_with(e.area_prefix, %(area_prefix)s) OR starts_with(%(area_prefix)s, e.area_prefix)
 ORDER BY e.priority, e.area_prefix, e.rung;

-- name: api_drop_ladder
-- An area has no ladder of its own for this priority any more.
DELETE FROM escalation_rungs WHERE area_prefix = %(area_prefix)s AND priority = %(priority)s;

-- name: api_put_rung
-- A step of an area's ladder.
INSERT INTO escalation_rungs (area_prefix, priority, rung, after_s, who, enabled, changed_by, changed_at)
VALUES (%(area_prefix)s, %(priority)s, %(rung)s, %(after_s)s, %(who)s, true, %(changed_by)s, %(now)s);
