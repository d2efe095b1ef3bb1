-- What a supervision report counts: of each case who raised it, when it first waited and when somebody arrived; of each desk when it worked.

ALTER TABLE cases
    ADD COLUMN detector        text NOT NULL DEFAULT '',          -- whose detection began it; '': an incident, or from before
    ADD COLUMN device_id       text,
    ADD COLUMN first_queued_at timestamptz,                       -- unlike queued_at it never moves; null: it never waited for a desk
    ADD COLUMN arrived_at      timestamptz;                       -- the first word of a desk that a responder is there

-- Cases from before, as far as their history tells.
UPDATE cases SET
    first_queued_at = h.first_queued_at, arrived_at = h.arrived_at
  FROM (SELECT case_id,
               min(at) FILTER (WHERE action IN ('queued', 'released', 'lease_lost', 'reopened', 'unmerged') OR reason IN ('case.hold_ended', 'case.raised', 'case.raised_again', 'case.area_offline')) AS first_queued_at,
               min(at) FILTER (WHERE action = 'on_scene') AS arrived_at
          FROM audit WHERE case_id IS NOT NULL AND version IS NOT NULL GROUP BY case_id) AS h
 WHERE h.case_id = cases.case_id;
UPDATE cases SET detector = s.detector, device_id = s.device_id
  FROM (SELECT DISTINCT ON (case_id) case_id, detector, device_id FROM case_signals ORDER BY case_id, started_at, detection_id) AS s
 WHERE s.case_id = cases.case_id;

CREATE INDEX cases_by_raised ON cases (raised_at);

-- Ten minutes in which a desk had a case of a community in hand. Kept with the change itself, so that no report walks through the audit of a month.
CREATE TABLE desk_slots (
    slot_at   timestamptz NOT NULL,                               -- begin of the ten minutes, wall clock
    area_code text NOT NULL,
    actor     text NOT NULL,
    PRIMARY KEY (slot_at, area_code, actor)
);
INSERT INTO desk_slots (slot_at, area_code, actor)
SELECT DISTINCT date_bin('10 minutes', a.at, '2000-01-01 00:00+00'), c.area_code, a.actor
  FROM audit AS a JOIN cases AS c USING (case_id)
 WHERE NOT c.test AND a.action IN ('claimed', 'renewed', 'released', 'verifying', 'dispatched', 'on_scene', 'held', 'shelved', 'resolved')
   AND a.reason NOT IN ('case.well');

-- As cases are seen: by area, and what has none by everybody who watches.
ALTER TABLE desk_slots ENABLE ROW LEVEL SECURITY;
CREATE POLICY within_area ON desk_slots TO shouwang_api
    USING (area_code ~>=~ current_setting('shouwang.area_from', true) AND area_code ~<~ current_setting('shouwang.area_to', true));
CREATE POLICY of_nobody ON desk_slots TO shouwang_api
    USING (area_code = '' AND current_setting('shouwang.area_to', true) <> '');

-- Cases as a report counts them. A test is none, by its detection or by its outcome.
CREATE VIEW report_cases WITH (security_invoker = true) AS
SELECT case_id, home_id, area_code, family, priority, detector, device_id, outcome, raised_at, first_queued_at, claimed_at, arrived_at,
       -- When a desk first had to do with it; not where it was folded into another case before that.
       CASE WHEN handling <> 'MERGED' OR claimed_at IS NOT NULL THEN least(first_queued_at, claimed_at) END AS desk_at,
       -- Who waited for a desk: not one that was taken while its resident was asked, nor one that ended or was folded away before anybody took it.
       family <> 'technical' AND first_queued_at IS NOT NULL AND (claimed_at >= first_queued_at
           OR claimed_at IS NULL AND handling NOT IN ('CLOSED', 'MERGED', 'RESOLVED')) AS owed,
       coalesce(resolved_at, closed_at) AS ended_at
  FROM cases
 WHERE NOT test AND handling <> 'TEST' AND outcome IS DISTINCT FROM 'test';
