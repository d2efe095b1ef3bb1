-- Families and helpers under row security: what each sees is what was consented to, or where he was asked to go.

-- A view is asked with the rights of whoever asks.
ALTER VIEW kin_sees SET (security_invoker = true);
ALTER VIEW helper_hours SET (security_invoker = true);

-- Single residents beside an area: those who consented to something for this relative; those whom a helper was asked to go to, until he has left
-- or it is over; and what was opened for a while. One statement for each role, so that an operator's request waits for no table of the others.
CREATE OR REPLACE FUNCTION scope_of(who text, at timestamptz) RETURNS TABLE (homes text[], residents text[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    DECLARE
        acts_as text := (SELECT u.role FROM users AS u WHERE u.user_name = who);
        beside text[] := '{}';
    BEGIN
        IF acts_as = 'family' THEN
            beside := ARRAY(SELECT k.resident_id FROM kin_sees AS k WHERE k.user_name = who);
        ELSIF acts_as = 'helper' THEN
            beside := ARRAY(SELECT v.resident_id
                              FROM responses AS p JOIN cases AS c USING (case_id) JOIN residents AS v USING (home_id)
                             WHERE p.user_name = who AND (c.resident_id IS NULL OR v.resident_id = c.resident_id)
                               AND (p.state IN ('on_way', 'arrived')
                                    OR p.state IN ('asked', 'accepted') AND c.handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST')));
        ELSIF acts_as IN ('operator', 'supervisor') THEN
            beside := ARRAY(SELECT b.resident_id FROM break_glass AS b
                             WHERE b.user_name = who AND b.ended_at IS NULL AND b.opened_at <= at AND b.ends_at > at);
        END IF;
        IF cardinality(beside) = 0 THEN
            RETURN QUERY SELECT '{}'::text[], '{}'::text[];
        ELSE
            RETURN QUERY SELECT coalesce(array_agg(DISTINCT r.home_id), '{}'), coalesce(array_agg(DISTINCT r.resident_id), '{}')
                           FROM residents AS r WHERE r.resident_id = ANY (beside);
        END IF;
    END $$;

-- Whether the helper whom the transaction serves was asked to go to this case. A function of the owner's: policies of cases and of responses would ask each other.
CREATE FUNCTION asked_to(asked text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT EXISTS (SELECT FROM responses WHERE case_id = asked AND user_name = current_setting('shouwang.user', true) AND state NOT IN ('declined', 'left')) $$;
REVOKE ALL ON FUNCTION asked_to(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION asked_to(text) TO shouwang_api;

-- A helper reads the cases that he was asked to go to, and no other, of whatever home. Whom to call is the desk's.
ALTER POLICY within_area ON cases
    USING (current_setting('shouwang.role', true) NOT IN ('admin', 'helper')
           AND area_code ~>=~ current_setting('shouwang.area_from', true) AND area_code ~<~ current_setting('shouwang.area_to', true));
ALTER POLICY of_nobody ON cases
    USING (area_code = '' AND current_setting('shouwang.role', true) NOT IN ('admin', 'helper') AND current_setting('shouwang.area_to', true) <> '');
ALTER POLICY by_name ON cases
    USING (current_setting('shouwang.role', true) <> 'helper' AND home_id = ANY ((SELECT string_to_array(current_setting('shouwang.homes', true), ','))::text[]));
ALTER POLICY gathered ON cases
    USING (current_setting('shouwang.homes', true) <> '' AND current_setting('shouwang.role', true) <> 'helper'
           AND EXISTS (SELECT FROM detections AS d WHERE d.case_id = cases.case_id AND d.detector = 'fever'
                          AND d.home_id = ANY ((SELECT string_to_array(current_setting('shouwang.homes', true), ','))::text[])));
CREATE POLICY asked ON cases FOR SELECT TO shouwang_api
    USING (current_setting('shouwang.role', true) = 'helper' AND asked_to(case_id));
ALTER POLICY of_homes ON contacts
    USING (current_setting('shouwang.role', true) NOT IN ('family', 'helper')
           AND (SELECT true FROM homes AS h WHERE h.home_id = contacts.home_id));

-- Who is kin of whom a relative learns of himself, not of the others.
ALTER POLICY of_residents ON family_links
    USING ((current_setting('shouwang.role', true) NOT IN ('family', 'helper') OR user_name = current_setting('shouwang.user', true))
           AND (SELECT true FROM residents AS r WHERE r.resident_id = family_links.resident_id));

-- Consent is only added to. A relative reads his own.
REVOKE UPDATE, DELETE ON consents FROM shouwang_api;
ALTER TABLE consents ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_residents ON consents TO shouwang_api
    USING (current_setting('shouwang.role', true) NOT IN ('family', 'helper')
           AND (SELECT true FROM residents AS r WHERE r.resident_id = consents.resident_id));
CREATE POLICY own ON consents FOR SELECT TO shouwang_api
    USING (current_setting('shouwang.role', true) = 'family' AND user_name = current_setting('shouwang.user', true));

-- Notices of absence: a relative's are written by the api for him, once the consent was found.
ALTER TABLE home_notices ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_homes ON home_notices TO shouwang_api
    USING (current_setting('shouwang.role', true) NOT IN ('family', 'helper')
           AND (SELECT true FROM homes AS h WHERE h.home_id = home_notices.home_id));
CREATE POLICY of_kin ON home_notices FOR SELECT TO shouwang_api
    USING (current_setting('shouwang.role', true) = 'family'
           AND resident_id = ANY ((SELECT string_to_array(current_setting('shouwang.residents', true), ','))::text[]));

-- Who of the kin is going there is told to all who may know of the case; each says it of himself alone.
ALTER TABLE kin_going ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_cases ON kin_going FOR SELECT TO shouwang_api
    USING ((SELECT true FROM cases AS c WHERE c.case_id = kin_going.case_id));
CREATE POLICY own ON kin_going TO shouwang_api
    USING (current_setting('shouwang.role', true) = 'family' AND user_name = current_setting('shouwang.user', true)
           AND (SELECT true FROM cases AS c WHERE c.case_id = kin_going.case_id));

-- Tokens: one's own; and the api itself, which looks for one before it is known whose it is.
ALTER TABLE kin_tokens ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON kin_tokens TO shouwang_api
    USING (current_setting('shouwang.role', true) = 'family' AND user_name = current_setting('shouwang.user', true));
CREATE POLICY by_hash ON kin_tokens TO shouwang_api USING (current_setting('shouwang.role', true) = 'process');

-- How a relative is told: his own row, without what the centre's recipients hold. The address is written and never read back.
GRANT SELECT (recipient_id, user_name, resident_id, way, reach, language, enabled) ON recipients TO shouwang_api;
GRANT INSERT (recipient_id, kind, name, url, language, home_id, consented_at, lowest_priority, user_name, resident_id, way, reach) ON recipients TO shouwang_api;
GRANT UPDATE (url, language, home_id, way, reach, enabled) ON recipients TO shouwang_api;
GRANT DELETE ON recipients TO shouwang_api;
ALTER TABLE recipients ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON recipients TO shouwang_api
    USING (current_setting('shouwang.role', true) = 'family' AND kind = 'kin' AND user_name = current_setting('shouwang.user', true))
    WITH CHECK (current_setting('shouwang.role', true) = 'family' AND kind = 'kin' AND user_name = current_setting('shouwang.user', true)
                AND resident_id = ANY ((SELECT string_to_array(current_setting('shouwang.residents', true), ','))::text[]));

-- Helpers: staff find those of their area, and those of a wider one that it lies in.
ALTER TABLE helpers ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_area ON helpers TO shouwang_api
    USING (current_setting('shouwang.role', true) NOT IN ('family', 'helper')
           AND (SELECT area_holds(u.area_prefix) OR starts_with(current_setting('shouwang.area_from', true), u.area_prefix)
                  FROM users AS u WHERE u.user_name = helpers.user_name));
CREATE POLICY own ON helpers FOR SELECT TO shouwang_api
    USING (current_setting('shouwang.role', true) = 'helper' AND user_name = current_setting('shouwang.user', true));

ALTER TABLE responses ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_cases ON responses TO shouwang_api
    USING (current_setting('shouwang.role', true) NOT IN ('family', 'helper')
           AND (SELECT true FROM cases AS c WHERE c.case_id = responses.case_id));
CREATE POLICY own ON responses TO shouwang_api
    USING (current_setting('shouwang.role', true) = 'helper' AND user_name = current_setting('shouwang.user', true));
-- Hours for the time bank, for those whose area holds the helper's.
CREATE POLICY of_helpers ON responses FOR SELECT TO shouwang_api
    USING (current_setting('shouwang.role', true) IN ('supervisor', 'admin')
           AND (SELECT area_holds(u.area_prefix) FROM users AS u WHERE u.user_name = responses.user_name));

ALTER TABLE visits ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_residents ON visits TO shouwang_api
    USING (current_setting('shouwang.role', true) <> 'family'
           AND (SELECT true FROM residents AS r WHERE r.resident_id = visits.resident_id));
CREATE POLICY own ON visits FOR SELECT TO shouwang_api
    USING (current_setting('shouwang.role', true) = 'helper' AND user_name = current_setting('shouwang.user', true));
CREATE POLICY of_helpers ON visits FOR SELECT TO shouwang_api
    USING (current_setting('shouwang.role', true) IN ('supervisor', 'admin')
           AND (SELECT area_holds(u.area_prefix) FROM users AS u WHERE u.user_name = visits.user_name));

ALTER TABLE assessments ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_residents ON assessments TO shouwang_api
    USING (current_setting('shouwang.role', true) NOT IN ('family', 'helper')
           AND (SELECT true FROM residents AS r WHERE r.resident_id = assessments.resident_id));

ALTER TABLE handovers ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_cases ON handovers TO shouwang_api
    USING (current_setting('shouwang.role', true) NOT IN ('family', 'helper')
           AND (SELECT true FROM cases AS c WHERE c.case_id = handovers.case_id));

-- Rules of the whole site are read.
REVOKE INSERT, UPDATE, DELETE ON service_circles, supervision_rules FROM shouwang_api;
