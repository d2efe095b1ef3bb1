-- Priorities, answering times and times of asking have a page. They hold for the whole site: read by all staff, changed by who oversees all of it.
DO $$
DECLARE rules text;
BEGIN
    FOREACH rules IN ARRAY ARRAY['priority_rules', 'answer_times', 'asking_times'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', rules);
        EXECUTE format('CREATE POLICY read ON %I FOR SELECT TO shouwang_api USING (true)', rules);
        EXECUTE format('CREATE POLICY of_staff ON %I TO shouwang_api
                            USING (current_setting(''shouwang.role'', true) IN (''supervisor'', ''admin'') AND area_holds(''''))', rules);
        EXECUTE format('CREATE POLICY no_platform ON %I AS RESTRICTIVE FOR SELECT TO shouwang_api
                            USING (current_setting(''shouwang.role'', true) IS DISTINCT FROM ''platform'')', rules);
        EXECUTE format('REVOKE DELETE ON %I FROM shouwang_api', rules);
    END LOOP;
END $$;
