-- name: person_who
-- A resident, whether nobody else lives in the home, and what is open about them.
SELECT r.resident_id, r.home_id, NOT EXISTS (SELECT FROM residents AS o WHERE o.home_id = r.home_id AND o.resident_id <> r.resident_id) AS alone,
       (SELECT count(*) FROM cases AS c WHERE c.home_id = r.home_id AND (c.resident_id IS NULL OR c.resident_id = r.resident_id)
           AND c.handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST')) AS open_cases
  FROM residents AS r WHERE r.resident_id = %(resident_id)s;

-- name: person_resident
-- The record of the person.
SELECT * FROM residents WHERE resident_id = %(resident_id)s;

-- name: person_home
-- The record of the home.
SELECT * FROM homes WHERE home_id = %(home_id)s;

-- name: person_contacts
-- Whom to call.
SELECT * FROM contacts WHERE home_id = %(home_id)s ORDER BY rank, contact_id;

-- name: person_devices
-- Devices of the home, or of the person where others live there.
SELECT * FROM devices WHERE home_id = %(home_id)s AND (%(alone)s::boolean OR resident_id = %(resident_id)s) ORDER BY device_id;

-- name: person_consents
-- What was said about who may see them.
SELECT * FROM consents WHERE resident_id = %(resident_id)s ORDER BY consent_id;

-- name: person_notices
-- Notices of absence and visitors.
SELECT * FROM home_notices WHERE resident_id = %(resident_id)s ORDER BY notice_id;

-- name: person_cases
-- Cases about them.
SELECT * FROM cases WHERE home_id = %(home_id)s AND (resident_id = %(resident_id)s OR resident_id IS NULL AND %(alone)s::boolean) ORDER BY raised_at, case_id;

-- name: person_case_signals
-- What was said in these cases.
SELECT s.* FROM case_signals AS s JOIN cases AS c USING (case_id)
 WHERE c.home_id = %(home_id)s AND (c.resident_id = %(resident_id)s OR c.resident_id IS NULL AND %(alone)s::boolean) ORDER BY s.started_at, s.detection_id;

-- name: person_case_history
-- Who did what in these cases, and who looked at the record.
SELECT a.* FROM audit AS a LEFT JOIN cases AS c USING (case_id)
 WHERE a.home_id = %(home_id)s AND (%(alone)s::boolean OR c.resident_id = %(resident_id)s OR a.facts -> 'residents' ? %(resident_id)s) ORDER BY a.audit_id;

-- name: person_learned
-- Silences that are usual in the home.
SELECT * FROM learned_silences WHERE home_id = %(home_id)s AND %(alone)s::boolean;

-- name: person_usual
-- What is usual with the person.
SELECT * FROM learned_usual WHERE home_id = %(home_id)s AND (resident_id = %(resident_id)s OR resident_id = '' AND %(alone)s::boolean) ORDER BY name;

-- name: person_days
-- Figures of each day.
SELECT * FROM daily_habits WHERE home_id = %(home_id)s AND %(alone)s::boolean ORDER BY day;

-- name: person_readings
-- Readings of one kind; the table's name is put in by the caller, from the kinds of the contract.
SELECT to_jsonb(m) FROM reading_motion AS m
 WHERE m.home_id = %(home_id)s AND (%(alone)s::boolean OR m.device_id IN (
       SELECT d.device_id COLLATE "C" FROM devices AS d WHERE d.home_id = %(home_id)s AND d.resident_id = %(resident_id)s))
 ORDER BY m.event_at;

-- name: person_calls
-- Telephone calls about them: from their number, or about a case of the home.
SELECT * FROM telephone_calls AS t
 WHERE t.resident_id = %(resident_id)s
    OR %(alone)s::boolean AND (t.home_id = %(home_id)s OR t.case_id IN (SELECT c.case_id FROM cases AS c WHERE c.home_id = %(home_id)s))
 ORDER BY t.rang_at, t.call_id;

-- name: person_erase_calls
-- That somebody rang stays, without the number and without what was written about it.
UPDATE telephone_calls AS t SET number = '', note = ''
 WHERE t.resident_id = %(resident_id)s
    OR %(alone)s::boolean AND (t.home_id = %(home_id)s OR t.case_id IN (SELECT c.case_id FROM cases AS c WHERE c.home_id = %(home_id)s));

-- name: person_erase_dials
-- And that somebody was rung up, without the number.
UPDATE telephone_dials SET number = '' WHERE case_id IN (SELECT c.case_id FROM cases AS c WHERE c.home_id = %(home_id)s);

-- name: person_drop_readings
-- The same, erased.
DELETE FROM reading_motion AS m
 WHERE m.home_id = %(home_id)s AND (%(alone)s::boolean OR m.device_id IN (
       SELECT d.device_id COLLATE "C" FROM devices AS d WHERE d.home_id = %(home_id)s AND d.resident_id = %(resident_id)s));

-- name: person_erase_contacts
-- Whom to call.
DELETE FROM contacts WHERE home_id = %(home_id)s;

-- name: person_erase_learned
-- Silences that are usual in the home.
DELETE FROM learned_silences WHERE home_id = %(home_id)s;

-- name: person_erase_usual
-- What is usual in the home; of the person alone it goes with the next.
DELETE FROM learned_usual WHERE home_id = %(home_id)s;

-- name: person_erase_days
-- Figures of each day.
DELETE FROM daily_habits WHERE home_id = %(home_id)s;

-- name: person_erase_notices
-- Notices of absence and visitors.
DELETE FROM home_notices WHERE resident_id = %(resident_id)s;

-- name: person_erase_ways
-- How kin are told.
DELETE FROM recipients WHERE resident_id = %(resident_id)s OR (home_id = %(home_id)s AND user_name IS NULL AND %(alone)s::boolean);

-- name: person_erase_givers
-- The names of guardians in what stays of the consents.
UPDATE consents SET giver = '' WHERE resident_id = %(resident_id)s AND giver <> '';

-- name: person_erase_links
-- Nobody is kin any more.
UPDATE family_links SET revoked_at = now() WHERE resident_id = %(resident_id)s AND revoked_at IS NULL;

-- name: person_erase_devices
-- Their devices belong to nobody.
UPDATE devices SET bound = false, resident_id = NULL WHERE home_id = %(home_id)s;

-- name: person_erase_accounts
-- Their devices may not speak any more.
UPDATE accounts SET revoked_at = now() WHERE starts_with(account, %(home_id)s || '.') AND revoked_at IS NULL;

-- name: person_erase_home
-- The home is watched no more.
UPDATE homes SET address = '', note = '', key_at = NULL, pets = NULL, away_until = NULL, visitor_until = NULL, removed_at = coalesce(removed_at, now()) WHERE home_id = %(home_id)s;

-- name: person_erase_resident
-- The person's record keeps the id alone, which stands in what must be kept.
UPDATE residents SET name = '-', birth_year = NULL, sex = NULL, phone = '', note = '', conditions = NULL, mobility = NULL, dialect = NULL, oxygen = NULL
 WHERE resident_id = %(resident_id)s;

-- name: person_erase_withdraw
-- What was consented to is withdrawn.
INSERT INTO consents (resident_id, user_name, scopes, given_by, ground, recorded_by)
SELECT DISTINCT resident_id, user_name, '{}'::text[], 'resident', 'erased', %(actor)s::text FROM consents WHERE resident_id = %(resident_id)s;

-- name: person_coverage
-- How well the home was watched, from when on.
SELECT * FROM coverage_changes WHERE home_id = %(home_id)s AND %(alone)s::boolean ORDER BY at;

-- name: person_erase_coverage
-- How well the home was watched.
DELETE FROM coverage_changes WHERE home_id = %(home_id)s;

-- name: person_erase_silences
-- When its devices fell silent.
DELETE FROM device_silences WHERE home_id = %(home_id)s;

-- name: person_responses
-- Who was sent to them.
SELECT p.* FROM responses AS p JOIN cases AS c USING (case_id)
 WHERE c.home_id = %(home_id)s AND (c.resident_id = %(resident_id)s OR c.resident_id IS NULL AND %(alone)s::boolean) ORDER BY p.response_id;

-- name: person_visits
-- Who visited them.
SELECT * FROM visits WHERE resident_id = %(resident_id)s ORDER BY at;

-- name: person_upstream
-- What was said about going out to platforms.
SELECT * FROM upstream_consents WHERE resident_id = %(resident_id)s ORDER BY consent_id;

-- name: person_erase_upstream
-- They go out no more; a platform learns of it as gone.
INSERT INTO upstream_consents (resident_id, agreed, given_by, ground, recorded_by)
SELECT DISTINCT resident_id, false, 'resident', 'erased', %(actor)s::text FROM upstream_consents WHERE resident_id = %(resident_id)s;

-- name: person_erase_upstream_givers
-- The names of guardians in what stays of it.
UPDATE upstream_consents SET giver = '' WHERE resident_id = %(resident_id)s AND giver <> '';
