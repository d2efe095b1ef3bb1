-- name: cases_to_tell_of
-- Cases that nobody has and of which somebody may have to be told, those whose desk asked for more people, and P1 that somebody has and of which
-- somebody's kin has not heard; the most urgent first. (Without the last condition what desks have would crowd out what waits.)
SELECT * FROM cases AS c
 WHERE c.handling IN ('QUEUED', 'CLAIMED', 'VERIFYING', 'DISPATCHED', 'ON_SCENE', 'HELD') AND NOT c.test
   AND CASE c.handling
       WHEN 'QUEUED' THEN c.priority = 1 OR c.rung > 0
       ELSE c.called_rungs <> '{}'
            OR (c.priority = 1 AND EXISTS (
                SELECT FROM recipients AS r
                 WHERE r.home_id = c.home_id AND r.kind = 'kin'
                   AND NOT EXISTS (SELECT FROM notices AS n WHERE n.case_id = c.case_id AND n.recipient_id = r.recipient_id AND n.priority = 1 AND n.rung = 0
                                      AND n.sent AND (n.spell = c.spell OR n.at >= c.queued_at))))
       END
 ORDER BY c.priority, c.queued_at, c.case_id LIMIT %(limit)s;

-- name: recipients_of_homes
-- Everybody who may be told: those of the centre, and kin of these homes, with what they were sent lately. Of every home at once: without that.
SELECT r.recipient_id, r.kind, r.url, r.language, r.area_prefix, r.home_id,
       r.consented_at IS NOT NULL AND (r.user_name IS NULL OR EXISTS (
           SELECT FROM kin_sees AS k WHERE k.user_name = r.user_name AND k.resident_id = r.resident_id AND 'told' = ANY(k.scopes))) AS consented,
       r.lowest_priority, r.most_per_hour, r.cost, r.most_cost_per_day, coalesce(d.duties, '[]') AS duties,
       coalesce(n.sent_last_hour, 0) AS sent_last_hour, coalesce(n.cost_last_day, 0) AS cost_last_day, r.user_name, r.way
  FROM recipients AS r
  LEFT JOIN LATERAL (
       SELECT jsonb_agg(jsonb_build_object('weekday', weekday, 'from_minute', from_minute, 'to_minute', to_minute, 'zone', zone)) AS duties
         FROM rota WHERE rota.recipient_id = r.recipient_id) AS d ON true
  LEFT JOIN LATERAL (
       SELECT count(*) FILTER (WHERE at > %(now)s::timestamptz - interval '1 hour') AS sent_last_hour, sum(cost) AS cost_last_day
         FROM notices WHERE NOT %(every)s::boolean AND notices.recipient_id = r.recipient_id AND at > %(now)s::timestamptz - interval '1 day' AND sent) AS n ON true
 WHERE (r.enabled OR r.paused_until_at <= %(now)s)
   -- A browser that gave its subscription up (alerts.web_push.GONE) is told no more until it subscribes anew.
   AND NOT (r.way = 'push' AND EXISTS (SELECT FROM notices AS g WHERE g.recipient_id = r.recipient_id AND g.detail = 'subscription gone' AND g.at > r.consented_at))
   AND (r.home_id IS NULL OR r.home_id = ANY(%(home_ids)s) OR %(every)s::boolean) AND r.recipient_id > %(beyond)s
 ORDER BY r.recipient_id
 LIMIT %(limit)s;

-- name: notices_of_cases
-- Who was told of cases, and how it went.
SELECT * FROM notices WHERE case_id = ANY(%(case_ids)s) ORDER BY case_id, spell, priority, rung, recipient_id;

-- name: announced_of_cases
-- Who was told of a case's detections before they were recorded.
SELECT DISTINCT s.case_id, a.recipient_id
  FROM case_signals AS s JOIN announcements AS a USING (detection_id)
 WHERE s.case_id = ANY(%(case_ids)s) AND a.sent;

-- name: put_notice
-- Keep a notice as it stands; always under its case's lock.
INSERT INTO notices (case_id, spell, priority, rung, recipient_id, attempts, taken_until_at, sent, at, cost, detail)
VALUES (%(case_id)s, %(spell)s, %(priority)s, %(rung)s, %(recipient_id)s, %(attempts)s, %(taken_until_at)s, %(sent)s, %(at)s, %(cost)s, %(detail)s)
ON CONFLICT (case_id, spell, priority, rung, recipient_id) DO UPDATE
   SET attempts = EXCLUDED.attempts, taken_until_at = EXCLUDED.taken_until_at, sent = EXCLUDED.sent, at = EXCLUDED.at, cost = EXCLUDED.cost,
       detail = EXCLUDED.detail;

-- name: put_announcement
-- Somebody was told of a detection before the database held it.
INSERT INTO announcements (detection_id, recipient_id, at, sent, detail)
VALUES (%(detection_id)s, %(recipient_id)s, %(at)s, %(sent)s, %(detail)s)
ON CONFLICT (detection_id, recipient_id) DO UPDATE SET sent = announcements.sent OR EXCLUDED.sent, detail = EXCLUDED.detail;

-- name: recorded_detections
-- Which of these detections the database holds.
SELECT DISTINCT detection_id FROM detections WHERE detection_id = ANY(%(detection_ids)s);

-- name: areas_of_homes
-- Where homes lie; remembered for the time when the database is away.
SELECT home_id, area_code FROM homes WHERE removed_at IS NULL;
