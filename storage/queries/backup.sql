-- name: backup_tables
-- Tables that the log cannot give back: all but hypertables and those named.
SELECT c.relname::text AS name
  FROM pg_class AS c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> ALL(%(left_out)s::text[])
   AND NOT EXISTS (SELECT FROM timescaledb_information.hypertables AS h WHERE h.hypertable_schema = 'public' AND h.hypertable_name = c.relname)
 ORDER BY c.relname;

-- name: backup_migrations
-- Which form the tables have.
SELECT name, sha256 FROM schema_migrations ORDER BY name;

-- name: backup_is_used
-- Whether anybody or anything is registered or was alarmed here.
SELECT EXISTS (SELECT FROM homes) OR EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM cases) OR EXISTS (SELECT FROM detections) OR EXISTS (SELECT FROM accounts) OR EXISTS (SELECT FROM audit) AS used;

-- name: backup_others
-- Who else is connected to this database.
SELECT DISTINCT coalesce(nullif(application_name, ''), 'somebody') AS name
  FROM pg_stat_activity
 WHERE datname = %(database)s AND pid <> pg_backend_pid() AND backend_type = 'client backend'
 ORDER BY name;

-- name: backup_writer_reads_anew
-- The readings are not in a backup: the writer stores again what Kafka still keeps. Alerts goes on at its place in the backup, so what came later is raised again.
DELETE FROM consumer_offsets WHERE consumer IN ('writer', 'writer-rows');

-- name: backup_cases_are_newer
-- Whoever follows alerts.v1 keeps the highest version of a case, and there may be higher ones there than in the backup.
UPDATE cases SET version = greatest(version + 1, %(version)s::integer);

-- name: backup_cards
-- All cards, to give each a version that no reader of the log has seen.
SELECT home_id, version, card FROM home_cards ORDER BY home_id;

-- name: backup_audit
-- That this is a restored database, and of when.
INSERT INTO audit (actor, action, reason, facts) VALUES (%(actor)s, 'database_restored', %(reason)s, %(facts)s::jsonb);
