-- What came beside the export (offers of cases, desks' work, what is out of service) is none of a platform's either. A table with row security that comes later has to say so
-- itself: tests/contract/api/test_row_security.py lists what a platform sees.
DO $$
DECLARE other text;
BEGIN
    FOR other IN SELECT relname FROM pg_class AS c
                  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relrowsecurity
                    AND relname NOT IN ('homes', 'residents', 'visits', 'cases', 'helpers', 'upstream_consents')
                    AND NOT EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polname = 'no_platform') LOOP
        EXECUTE format('CREATE POLICY no_platform ON %I AS RESTRICTIVE FOR SELECT TO shouwang_api
                            USING (current_setting(''shouwang.role'', true) IS DISTINCT FROM ''platform'')', other);
    END LOOP;
END $$;
