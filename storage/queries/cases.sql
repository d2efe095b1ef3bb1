-- name: record_detection
-- First statement of an admission: keep one statement of a detector. No row back: it is held already, nothing is left to do.
INSERT INTO detections (detection_id, lane, revision, detector, family, home_id, "on", withdrawn, test, started_at, decided_at, read_at, body)
VALUES (%(detection_id)s, %(lane)s, %(revision)s, %(detector)s, %(family)s, %(home_id)s, %(on)s, %(withdrawn)s, %(test)s,
        %(started_at)s, %(decided_at)s, %(now)s, %(body)s)
ON CONFLICT DO NOTHING
RETURNING detection_id;

-- name: detections_held
-- Which of these statements are held already: a twin's second copies are passed over many at a time.
SELECT detection_id, lane, revision
  FROM detections
 WHERE (detection_id, lane, revision) IN (SELECT * FROM unnest(%(detection_ids)s::text[], %(lanes)s::text[], %(revisions)s::bigint[]));

-- name: other_statements
-- The newest other statement of each lane about one episode; tests and real ones apart.
SELECT DISTINCT ON (lane) body
  FROM detections
 WHERE detection_id = %(detection_id)s AND test = %(test)s AND NOT (lane = %(lane)s AND revision = %(revision)s)
 ORDER BY lane, revision DESC;

-- name: case_of_detection
-- The newest case that holds this episode, locked until the transaction ends.
SELECT cases.*
  FROM cases JOIN case_signals USING (case_id)
 WHERE case_signals.detection_id = %(detection_id)s AND cases.test = %(test)s
 ORDER BY cases.handling IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST'), cases.raised_at DESC, cases.case_id
 LIMIT 1
   FOR UPDATE OF cases;

-- name: open_case_of_home
-- The open case of a home and family, locked until the transaction ends.
SELECT *
  FROM cases
 WHERE home_id = %(home_id)s AND family = %(family)s AND handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST')
   FOR UPDATE;

-- name: case_that_is_meant
-- The open case of a home that a detection is about: it holds the one that is named, or is of the family that is meant. Locked as above.
SELECT *
  FROM cases
 WHERE home_id = %(home_id)s AND handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST')
   AND (family = %(meant)s::text OR EXISTS (
       SELECT 1 FROM case_signals WHERE case_signals.case_id = cases.case_id AND case_signals.detection_id = %(about)s::text))
 ORDER BY raised_at DESC, case_id
 LIMIT 1
   FOR UPDATE;

-- name: lock_institution
-- Whoever takes in a signal that is gathered by institution waits here for others of the same one, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('institution ' || coalesce((SELECT site_id FROM homes WHERE home_id = %(home_id)s), 'home ' || %(home_id)s), 0))::text AS locked;

-- name: gathering_case
-- The oldest open case of a family, in any home of the institution, that holds a signal of this detector from the same day; locked until the transaction ends.
SELECT cases.*
  FROM cases
 WHERE family = %(family)s AND handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST')
   AND (home_id = %(home_id)s
        OR home_id IN (SELECT other.home_id FROM homes AS own JOIN homes AS other USING (site_id, area_code) WHERE own.home_id = %(home_id)s))
   AND EXISTS (SELECT FROM case_signals AS s
                WHERE s.case_id = cases.case_id AND s.detector = %(detector)s AND NOT s.withdrawn AND s.started_at BETWEEN %(from_at)s AND %(to_at)s)
 ORDER BY raised_at, case_id
 LIMIT 1
   FOR UPDATE;

-- name: finished_case_of_home
-- The newest case of a home and family that a new one would follow.
SELECT *
  FROM cases
 WHERE home_id = %(home_id)s AND family = %(family)s AND NOT test
   AND handling IN ('RESOLVED', 'CLOSED') AND coalesce(resolved_at, closed_at) >= %(since)s
 ORDER BY raised_at DESC, case_id
 LIMIT 1;

-- name: home_for_case
-- Where a home lies and how much care it needs, and the window in which such an alarm of its does not ring. No row: it is not registered.
SELECT h.area_code, h.care_level, w.*
  FROM homes AS h
  LEFT JOIN LATERAL (
       SELECT window_id, until_at, reason, substitute, technical_only, device_id
         FROM service_windows AS w
        WHERE NOT w.over AND w.ended_at IS NULL AND w.from_at <= %(now)s AND w.until_at > %(now)s
          AND (w.home_id = h.home_id AND (w.device_id IS NULL OR w.device_id = %(device_id)s) OR w.home_id IS NULL AND starts_with(h.area_code, w.area_code))
          AND (NOT w.technical_only OR %(family)s = 'technical')
        ORDER BY w.until_at LIMIT 1) AS w ON true
 WHERE h.home_id = %(home_id)s;

-- name: signals_around_detection
-- Signals of the cases that a detection may concern: those that hold it or what it is about, and the open one of its home and family.
SELECT case_signals.*
  FROM case_signals
 WHERE case_id IN (
       SELECT case_id FROM case_signals WHERE detection_id = %(detection_id)s OR detection_id = %(about)s::text
       UNION
       SELECT case_id FROM cases
        WHERE home_id = %(home_id)s AND (family = %(family)s OR family = %(meant)s::text) AND handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST'));

-- name: signals_of_case
-- Signals of one case, oldest first.
SELECT * FROM case_signals WHERE case_id = %(case_id)s ORDER BY started_at, detection_id;

-- name: put_signal
-- Keep a signal as it stands now.
INSERT INTO case_signals (case_id, detection_id, detector, device_id, "on", withdrawn, score, reason, evidence, started_at, changed_at, origin, revisions, about)
VALUES (%(case_id)s, %(detection_id)s, %(detector)s, %(device_id)s, %(on)s, %(withdrawn)s, %(score)s, %(reason)s, %(evidence)s,
        %(started_at)s, %(changed_at)s, %(origin)s, %(revisions)s, %(about)s)
ON CONFLICT (case_id, detection_id) DO UPDATE
   SET "on" = EXCLUDED."on", withdrawn = EXCLUDED.withdrawn, score = EXCLUDED.score, reason = EXCLUDED.reason,
       evidence = EXCLUDED.evidence, changed_at = EXCLUDED.changed_at, origin = EXCLUDED.origin, revisions = EXCLUDED.revisions,
       device_id = EXCLUDED.device_id, started_at = EXCLUDED.started_at, about = EXCLUDED.about;

-- name: attach_detection
-- Say which case a statement went to.
UPDATE detections SET case_id = %(case_id)s WHERE detection_id = %(detection_id)s AND lane = %(lane)s AND revision = %(revision)s;

-- name: insert_case
-- A case begins. A unique violation: another one of this home and family was opened a moment ago.
INSERT INTO cases (case_id, version, home_id, area_code, resident_id, family, priority, score, reasons, handling, condition, condition_at,
                   test, event_at, raised_at, queued_at, deadline_at, asking_until_at, spell, signals, after_case_id,
                   detector, device_id, first_queued_at, held_until_at, hold_reason)
VALUES (%(case_id)s, %(version)s, %(home_id)s, %(area_code)s, %(resident_id)s, %(family)s, %(priority)s, %(score)s, %(reasons)s,
        %(handling)s, %(condition)s, %(condition_at)s, %(test)s, %(event_at)s, %(raised_at)s, %(queued_at)s, %(deadline_at)s, %(asking_until_at)s,
        %(spell)s, %(signals)s, %(after_case_id)s, %(detector)s, %(device_id)s, %(first_queued_at)s,
        %(held_until_at)s, %(hold_reason)s);

-- name: change_case
-- Compare-and-swap on version and lease. No row back: somebody was faster.
UPDATE cases
   SET version = %(version)s, home_id = %(home_id)s, priority = %(priority)s, score = %(score)s, reasons = %(reasons)s, handling = %(handling)s,
       condition = %(condition)s, condition_at = %(condition_at)s, queued_at = %(queued_at)s, deadline_at = %(deadline_at)s,
       desk_id = %(desk_id)s, former_desk_id = %(former_desk_id)s, lease_id = %(lease_id)s, lease_until_at = %(lease_until_at)s,
       claimed_at = %(claimed_at)s, rung = %(rung)s, signals = %(signals)s, held_until_at = %(held_until_at)s,
       hold_reason = %(hold_reason)s, outcome = %(outcome)s, resolved_at = %(resolved_at)s, resolved_by = %(resolved_by)s,
       closed_at = %(closed_at)s, asking_until_at = %(asking_until_at)s, contact = %(contact)s, follow_up_at = %(follow_up_at)s,
       looked_by = %(looked_by)s, spell = %(spell)s, resident_id = %(resident_id)s, area_code = %(area_code)s, merged_into = %(merged_into)s,
       first_queued_at = %(first_queued_at)s, arrived_at = %(arrived_at)s, called_rungs = %(called_rungs)s
 WHERE case_id = %(case_id)s AND version = %(version_before)s AND lease_id IS NOT DISTINCT FROM %(lease_id_before)s
RETURNING version;

-- name: lock_case
-- One case, locked until the transaction ends.
SELECT * FROM cases WHERE case_id = %(case_id)s FOR UPDATE;

-- name: lock_case_if_free
-- One case, unless somebody is changing it at this moment.
SELECT * FROM cases WHERE case_id = %(case_id)s FOR UPDATE SKIP LOCKED;

-- name: put_timers
-- Set timers of a case.
INSERT INTO case_timers (case_id, kind, due_at)
SELECT %(case_id)s, kind, due_at FROM unnest(%(kinds)s::text[], %(dues)s::timestamptz[]) AS wanted (kind, due_at)
ON CONFLICT (case_id, kind) DO UPDATE SET due_at = EXCLUDED.due_at;

-- name: drop_timers
-- Take away the timers of a case that it does not need any more.
DELETE FROM case_timers WHERE case_id = %(case_id)s AND kind <> ALL(%(kinds)s::text[]);

-- name: due_timers
-- Timers that fell due, the most urgent cases first. Not locked: the case's own row is, when it is fired.
SELECT case_timers.case_id, array_agg(kind ORDER BY due_at) AS kinds
  FROM case_timers JOIN cases USING (case_id)
 WHERE due_at <= %(now)s
 GROUP BY case_timers.case_id
 ORDER BY min(cases.priority), min(due_at), case_timers.case_id
 LIMIT %(limit)s;

-- name: timers_of_case
-- Timers of one case.
SELECT kind, due_at FROM case_timers WHERE case_id = %(case_id)s ORDER BY due_at, kind;

-- name: cases_without_timer
-- Cases that wait for something and have no timer; looked for after a start. One that has reached the top of the ladder needs none.
SELECT case_id
  FROM cases
 WHERE handling NOT IN ('CLOSED', 'MERGED', 'TEST')
   AND NOT EXISTS (SELECT 1 FROM case_timers WHERE case_timers.case_id = cases.case_id)
   AND (handling <> 'QUEUED' OR condition = 'off'
        OR EXISTS (SELECT 1 FROM escalation_rungs AS above
                    WHERE above.priority = cases.priority AND above.rung > cases.rung AND above.enabled AND starts_with(cases.area_code, above.area_prefix)))
 ORDER BY priority, raised_at;

-- name: detections_without_case
-- Statements that hold and are in no case; looked for after a start.
SELECT body
  FROM detections
 WHERE case_id IS NULL AND "on" AND NOT withdrawn
   AND NOT EXISTS (
       SELECT 1 FROM detections AS newer
        WHERE newer.detection_id = detections.detection_id AND newer.lane = detections.lane AND newer.revision > detections.revision)
 ORDER BY read_at, detection_id, revision;

-- name: audit_case
-- Who changed a case, when, why.
INSERT INTO audit (at, actor, action, case_id, home_id, version, reason, facts)
VALUES (%(at)s, %(actor)s, %(action)s, %(case_id)s, %(home_id)s, %(version)s, %(reason)s, %(facts)s);

-- name: audit_of_case
-- The history of a case. Its changes are in order of version (they are written under the case's lock); views of it stand among them.
SELECT at, actor, action, version, reason, facts FROM audit WHERE case_id = %(case_id)s ORDER BY audit_id;

-- name: put_in_outbox
-- An event to send, written with the change it tells of.
INSERT INTO outbox (topic, key, value, made_at, priority) VALUES (%(topic)s, %(key)s, %(value)s, %(now)s, %(priority)s);

-- name: open_cases
-- The queue of an area: priority, returned ones first, then the deadline. A case of an unregistered home belongs to every desk.
SELECT *
  FROM cases
 WHERE handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST') AND (area_code = '' OR starts_with(area_code, %(area_prefix)s))
 ORDER BY priority, (former_desk_id IS NULL OR handling <> 'QUEUED'), coalesce(deadline_at, raised_at), raised_at, case_id;

-- name: case_by_id
-- One case as it stands.
SELECT * FROM cases WHERE case_id = %(case_id)s;

-- name: cases_of_home
-- Cases of one home, newest first.
SELECT * FROM cases WHERE home_id = %(home_id)s ORDER BY raised_at DESC, case_id LIMIT %(limit)s;

-- name: priority_rules
-- Priority by family and score.
SELECT family, score, priority FROM priority_rules ORDER BY family, score;

-- name: escalation_rungs
-- The ladders: the site's, and those of areas that have one of their own.
SELECT priority, rung, after_s, who, enabled, area_prefix FROM escalation_rungs ORDER BY area_prefix, priority, rung;

-- name: answer_times
-- In which time a case should be claimed.
SELECT priority, answer_s FROM answer_times ORDER BY priority;
