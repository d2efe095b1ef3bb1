-- name: demo_homes
-- Simulated homes that are registered, and what was learned of each.
SELECT h.home_id, coalesce(l.silence_min, '{}') AS silence_min
  FROM homes AS h LEFT JOIN learned_silences AS l USING (home_id)
 WHERE h.removed_at IS NULL AND h.home_id LIKE 'demo-%%';

-- name: demo_cards_waiting
-- Cards that the keeper still has to put into the log.
SELECT count(*) AS waiting FROM home_cards WHERE published_version < version;

-- name: demo_cases
-- Cases raised since an instant (wall clock), by priority, and how many of them wait for a desk.
SELECT priority, count(*) AS raised, count(*) FILTER (WHERE handling = 'QUEUED') AS queued
  FROM cases
 WHERE raised_at >= %(since)s AND NOT test
 GROUP BY priority
 ORDER BY priority;

-- name: demo_latest_case
-- The newest case since an instant, with the place it came from.
SELECT c.family, c.priority, h.address
  FROM cases AS c JOIN homes AS h USING (home_id)
 WHERE c.raised_at >= %(since)s AND NOT c.test
 ORDER BY c.raised_at DESC LIMIT 1;
