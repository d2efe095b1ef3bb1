-- Supervisors and administrators keep the list of who is told, in their area: rows and rota; what is sent as a trial; the ladder by area.

-- A trial: one of the alerts processes sends it, because the address is a secret that the api does not read.
CREATE TABLE recipient_trials (
    trial_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recipient_id   text NOT NULL REFERENCES recipients ON DELETE CASCADE,
    asked_by       text NOT NULL,
    asked_at       timestamptz NOT NULL,
    taken_until_at timestamptz,                                   -- one twin's until then
    sent           boolean,                                       -- null: not yet
    at             timestamptz,
    detail         text NOT NULL DEFAULT ''
);
CREATE INDEX recipient_trials_of ON recipient_trials (recipient_id, trial_id DESC);
CREATE INDEX recipient_trials_to_send ON recipient_trials (trial_id) WHERE sent IS NULL;
REVOKE UPDATE, DELETE ON recipient_trials FROM shouwang_api;

ALTER TABLE recipients
    ADD COLUMN ground text NOT NULL DEFAULT '',                   -- kin without a log-in: how they agreed
    ADD COLUMN paused_by text;                                    -- who switched it off

-- The address is written and never read back.
GRANT SELECT (kind, name, home_id, area_prefix, consented_at, lowest_priority, most_per_hour, cost, most_cost_per_day, ground, paused_by) ON recipients TO shouwang_api;
GRANT INSERT (area_prefix, most_per_hour, cost, most_cost_per_day, ground) ON recipients TO shouwang_api;
GRANT UPDATE (name, area_prefix, lowest_priority, most_per_hour, cost, most_cost_per_day, paused_by) ON recipients TO shouwang_api;
GRANT SELECT, INSERT, DELETE ON rota TO shouwang_api;
-- What a relative chose is theirs to change; staff see that it is there.
CREATE POLICY staff_see ON recipients FOR SELECT TO shouwang_api
    USING (current_setting('shouwang.role', true) IN ('supervisor', 'admin') AND kind = 'kin'
           AND (SELECT true FROM homes AS h WHERE h.home_id = recipients.home_id));
CREATE POLICY of_staff ON recipients TO shouwang_api
    USING (current_setting('shouwang.role', true) IN ('supervisor', 'admin') AND user_name IS NULL
           AND CASE WHEN kind = 'kin' THEN (SELECT true FROM homes AS h WHERE h.home_id = recipients.home_id) ELSE area_holds(area_prefix) END)
    WITH CHECK (current_setting('shouwang.role', true) IN ('supervisor', 'admin') AND user_name IS NULL
           AND CASE WHEN kind = 'kin' THEN (SELECT true FROM homes AS h WHERE h.home_id = recipients.home_id) ELSE area_holds(area_prefix) END);
ALTER TABLE rota ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_recipients ON rota TO shouwang_api USING ((SELECT true FROM recipients AS r WHERE r.recipient_id = rota.recipient_id));
ALTER TABLE recipient_trials ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_recipients ON recipient_trials TO shouwang_api USING ((SELECT true FROM recipients AS r WHERE r.recipient_id = recipient_trials.recipient_id));

-- A ladder of one area; where an area has none for a priority, that of the area around it holds, at last the site's ('').
ALTER TABLE escalation_rungs ADD COLUMN area_prefix text NOT NULL DEFAULT '' CHECK (area_prefix ~ '^([0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})?$');
ALTER TABLE escalation_rungs DROP CONSTRAINT escalation_rungs_pkey, ADD PRIMARY KEY (area_prefix, priority, rung);
-- Read by all (the api decides by it); changed by those whose area it is.
ALTER TABLE escalation_rungs ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON escalation_rungs FOR SELECT TO shouwang_api USING (true);
CREATE POLICY of_staff ON escalation_rungs TO shouwang_api
    USING (current_setting('shouwang.role', true) IN ('supervisor', 'admin') AND area_holds(area_prefix));
