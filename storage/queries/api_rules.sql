-- Priorities, answering times and times of asking, as supervisors see and change them.

-- name: api_rules
-- What stands in each table; what no row says is as shipped.
SELECT 'priority' AS what, family, score AS number, priority::double precision AS value, NULL::boolean AS enabled, changed_by, changed_at FROM priority_rules
UNION ALL
SELECT 'answer', NULL, priority, answer_s, NULL, changed_by, changed_at FROM answer_times
UNION ALL
SELECT 'asking', family, NULL, wait_s, enabled, changed_by, changed_at FROM asking_times
 ORDER BY 1, 2, 3;

-- name: api_put_priority
-- The priority of one family at one score.
INSERT INTO priority_rules (family, score, priority, changed_by, changed_at) VALUES (%(family)s, %(score)s, %(priority)s, %(changed_by)s, %(now)s)
ON CONFLICT (family, score) DO UPDATE SET priority = excluded.priority, changed_by = excluded.changed_by, changed_at = excluded.changed_at;

-- name: api_put_answer_time
-- Within what time cases of one priority should be claimed.
INSERT INTO answer_times (priority, answer_s, changed_by, changed_at) VALUES (%(priority)s, %(answer_s)s, %(changed_by)s, %(now)s)
ON CONFLICT (priority) DO UPDATE SET answer_s = excluded.answer_s, changed_by = excluded.changed_by, changed_at = excluded.changed_at;

-- name: api_put_asking_time
-- How long a resident and kin are asked before a desk hears of it.
INSERT INTO asking_times (family, wait_s, enabled, changed_by, changed_at) VALUES (%(family)s, %(wait_s)s, %(enabled)s, %(changed_by)s, %(now)s)
ON CONFLICT (family) DO UPDATE SET wait_s = excluded.wait_s, enabled = excluded.enabled, changed_by = excluded.changed_by, changed_at = excluded.changed_at;
