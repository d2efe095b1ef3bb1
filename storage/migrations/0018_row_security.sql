-- The second wall: the api logs in as a role of its own, and what of people's records it sees follows from whom it serves in that transaction.

-- The set-up of a site makes it before (with a password); here it is made where somebody else provides the database. It owns nothing and bypasses nothing.
DO $$
BEGIN
    CREATE ROLE shouwang_api NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

GRANT USAGE ON SCHEMA public TO shouwang_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shouwang_api;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO shouwang_api;
-- A table that a later migration makes can be used as well; a test asks of each whether it has a policy.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO shouwang_api;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO shouwang_api;
-- What the api does not need. Nothing rewrites history; events to send hold cases of every area; addresses of notices hold secrets.
REVOKE UPDATE, DELETE ON audit FROM shouwang_api;
REVOKE SELECT, UPDATE, DELETE ON outbox FROM shouwang_api;
GRANT SELECT (outbox_id, made_at, sent_at) ON outbox TO shouwang_api;
REVOKE ALL ON recipients, rota, announcements, consumer_offsets, row_identity, rollup_due FROM shouwang_api;
REVOKE INSERT, UPDATE, DELETE ON schema_migrations, sources, pipeline, dead_letters FROM shouwang_api;
DO $$
DECLARE hyper text;
BEGIN
    -- Row security and compression exclude each other on hypertables. The api only reads them, joined with homes or devices that it sees; a test asks.
    FOR hyper IN SELECT hypertable_name FROM timescaledb_information.hypertables WHERE hypertable_schema = 'public' LOOP
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON %I FROM shouwang_api', hyper);
    END LOOP;
END $$;

-- Whom a transaction serves (api/scope.py sets these; nothing set or empty = sees nothing):
--   shouwang.area_from, area_to   area codes from, and below; for nobody's area both are empty
--   shouwang.homes, residents     single ones beside the area, by comma: a family's own, an opened glass
--   shouwang.role                 admin: no cases; family: no contacts
-- Bounds instead of a prefix, so that the index homes_by_area serves them although they are not known when a statement is planned.

-- Whether anybody registered this home. What belongs to none is shown to all areas, or nobody would look after it; so it must be told apart from what
-- is merely out of sight.
CREATE FUNCTION home_is_known(asked text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT EXISTS (SELECT FROM homes WHERE home_id = asked) $$;

-- Single residents that a user may see beside his area: relatives, and what he opened for a while. Asked before there is a scope.
CREATE FUNCTION scope_of(who text, at timestamptz) RETURNS TABLE (homes text[], residents text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT coalesce(array_agg(DISTINCT r.home_id), '{}'), coalesce(array_agg(r.resident_id), '{}')
      FROM residents AS r JOIN users AS u ON u.user_name = who
     WHERE (u.role = 'family' AND r.resident_id IN (SELECT f.resident_id FROM family_links AS f WHERE f.user_name = who AND f.revoked_at IS NULL))
        OR (u.role IN ('operator', 'supervisor')
            AND r.resident_id IN (SELECT b.resident_id FROM break_glass AS b
                                   WHERE b.user_name = who AND b.ended_at IS NULL AND b.opened_at <= at AND b.ends_at > at))
    $$;
REVOKE ALL ON FUNCTION home_is_known(text), scope_of(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION home_is_known(text), scope_of(text, timestamptz) TO shouwang_api;

-- Whether the scope's area holds a user's whole area. The bounds of a prefix say it: '330282' is held by '3302' and by '', not by '330282001'.
CREATE FUNCTION area_holds(prefix text) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (prefix <> '' AND prefix ~>=~ current_setting('shouwang.area_from', true) AND prefix ~<~ current_setting('shouwang.area_to', true))
           OR (current_setting('shouwang.area_from', true) = '0' AND current_setting('shouwang.area_to', true) = ':');
GRANT EXECUTE ON FUNCTION area_holds(text) TO shouwang_api;

-- Homes. Policies of a table are tried from the last name to the first, so the one that nearly always decides has the last; and a list of single ones is taken
-- apart once a statement (SELECT …), not once a row.
ALTER TABLE homes ENABLE ROW LEVEL SECURITY;
CREATE POLICY within_area ON homes TO shouwang_api
    USING (area_code ~>=~ current_setting('shouwang.area_from', true) AND area_code ~<~ current_setting('shouwang.area_to', true));
CREATE POLICY by_name ON homes FOR SELECT TO shouwang_api
    USING (home_id = ANY ((SELECT string_to_array(current_setting('shouwang.homes', true), ','))::text[]));

-- Here and below `(SELECT true …)` by a primary key and not EXISTS: that one the planner would hash, all homes for each page of a list.
-- Residents: those of a home in the area, and single ones. Of a couple a family sees the one that it is linked to.
ALTER TABLE residents ENABLE ROW LEVEL SECURITY;
CREATE POLICY within_area ON residents TO shouwang_api
    USING ((SELECT true FROM homes AS h WHERE h.home_id = residents.home_id
                      AND h.area_code ~>=~ current_setting('shouwang.area_from', true) AND h.area_code ~<~ current_setting('shouwang.area_to', true)));
CREATE POLICY by_name ON residents FOR SELECT TO shouwang_api
    USING (resident_id = ANY ((SELECT string_to_array(current_setting('shouwang.residents', true), ','))::text[]));

ALTER TABLE family_links ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_residents ON family_links TO shouwang_api USING ((SELECT true FROM residents AS r WHERE r.resident_id = family_links.resident_id));

-- What belongs to a home is seen with it.
ALTER TABLE contacts ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_homes ON contacts TO shouwang_api
    USING (current_setting('shouwang.role', true) <> 'family' AND (SELECT true FROM homes AS h WHERE h.home_id = contacts.home_id));
ALTER TABLE learned_silences ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_homes ON learned_silences TO shouwang_api USING ((SELECT true FROM homes AS h WHERE h.home_id = learned_silences.home_id));
ALTER TABLE learned_usual ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_homes ON learned_usual TO shouwang_api USING ((SELECT true FROM homes AS h WHERE h.home_id = learned_usual.home_id));
ALTER TABLE daily_habits ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_homes ON daily_habits TO shouwang_api USING ((SELECT true FROM homes AS h WHERE h.home_id = daily_habits.home_id));
ALTER TABLE home_cards ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_homes ON home_cards TO shouwang_api USING ((SELECT true FROM homes AS h WHERE h.home_id = home_cards.home_id));
ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_homes ON accounts TO shouwang_api
    USING (kind = 'device' AND (SELECT true FROM homes AS h WHERE h.home_id = split_part(accounts.account, '.', 1)));

-- Devices, statements and detections may name a home that nobody registered: those are everybody's who has an area.
ALTER TABLE devices ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_homes ON devices TO shouwang_api USING ((SELECT true FROM homes AS h WHERE h.home_id = devices.home_id));
CREATE POLICY of_nobody ON devices FOR SELECT TO shouwang_api
    USING (current_setting('shouwang.area_to', true) <> '' AND NOT home_is_known(devices.home_id));
ALTER TABLE device_counts ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_homes ON device_counts FOR SELECT TO shouwang_api USING ((SELECT true FROM homes AS h WHERE h.home_id = device_counts.home_id COLLATE "default"));
ALTER VIEW gaps SET (security_invoker = true);
ALTER TABLE detections ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_homes ON detections TO shouwang_api USING ((SELECT true FROM homes AS h WHERE h.home_id = detections.home_id));
CREATE POLICY of_nobody ON detections TO shouwang_api
    USING (current_setting('shouwang.area_to', true) <> '' AND NOT home_is_known(detections.home_id));

-- Cases keep the area that their home had; a case without one is everybody's who watches.
ALTER TABLE cases ENABLE ROW LEVEL SECURITY;
CREATE POLICY within_area ON cases TO shouwang_api
    USING (current_setting('shouwang.role', true) <> 'admin'
           AND area_code ~>=~ current_setting('shouwang.area_from', true) AND area_code ~<~ current_setting('shouwang.area_to', true));
CREATE POLICY of_nobody ON cases TO shouwang_api
    USING (area_code = '' AND current_setting('shouwang.role', true) <> 'admin' AND current_setting('shouwang.area_to', true) <> '');
CREATE POLICY by_name ON cases FOR SELECT TO shouwang_api
    USING (home_id = ANY ((SELECT string_to_array(current_setting('shouwang.homes', true), ','))::text[]));
-- Where fevers of an institution are gathered the case stands under another room's name.
CREATE POLICY gathered ON cases FOR SELECT TO shouwang_api
    USING (current_setting('shouwang.homes', true) <> ''
           AND EXISTS (SELECT FROM detections AS d WHERE d.case_id = cases.case_id AND d.detector = 'fever'
                          AND d.home_id = ANY ((SELECT string_to_array(current_setting('shouwang.homes', true), ','))::text[])));
-- Kin answer what they were asked. Who only opened a glass changes nothing.
CREATE POLICY of_kin ON cases FOR UPDATE TO shouwang_api
    USING (current_setting('shouwang.role', true) = 'family' AND home_id = ANY ((SELECT string_to_array(current_setting('shouwang.homes', true), ','))::text[]));

ALTER TABLE case_signals ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_cases ON case_signals TO shouwang_api USING ((SELECT true FROM cases AS c WHERE c.case_id = case_signals.case_id));
ALTER TABLE case_timers ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_cases ON case_timers TO shouwang_api USING ((SELECT true FROM cases AS c WHERE c.case_id = case_timers.case_id));
ALTER TABLE case_questions ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_cases ON case_questions TO shouwang_api USING ((SELECT true FROM cases AS c WHERE c.case_id = case_questions.case_id));
ALTER TABLE incident_reviews ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_cases ON incident_reviews TO shouwang_api USING ((SELECT true FROM cases AS c WHERE c.case_id = incident_reviews.case_id));
ALTER TABLE notices ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_cases ON notices TO shouwang_api USING ((SELECT true FROM cases AS c WHERE c.case_id = notices.case_id));

-- Whoever acts writes what he did; it is read by those who see the case or the home. What names neither (log-ins) is for the database's owner.
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
CREATE POLICY written ON audit FOR INSERT TO shouwang_api WITH CHECK (true);
CREATE POLICY of_homes ON audit FOR SELECT TO shouwang_api USING ((SELECT true FROM homes AS h WHERE h.home_id = audit.home_id));
CREATE POLICY of_cases ON audit FOR SELECT TO shouwang_api USING ((SELECT true FROM cases AS c WHERE c.case_id = audit.case_id));
-- A list may show people of the lister's whole area, so it is for those whose area holds that one.
CREATE POLICY lists ON audit FOR SELECT TO shouwang_api
    USING (action = 'listed_residents' AND current_setting('shouwang.role', true) = 'supervisor' AND area_holds(facts->>'area'));

-- Openings: who did it, the supervisors of where the resident lives, and those of the user's own area.
ALTER TABLE break_glass ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON break_glass TO shouwang_api USING (user_name = current_setting('shouwang.user', true));
CREATE POLICY by_area ON break_glass TO shouwang_api
    USING (current_setting('shouwang.role', true) = 'supervisor'
           AND area_code ~>=~ current_setting('shouwang.area_from', true) AND area_code ~<~ current_setting('shouwang.area_to', true));
CREATE POLICY by_user_area ON break_glass TO shouwang_api
    USING (current_setting('shouwang.role', true) = 'supervisor' AND area_holds(user_area));
