-- Out of service: planned windows of a device, a home or an area, each with an end and with who looks after the people meanwhile.
CREATE TABLE service_windows (
    window_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    area_code      text NOT NULL,                                 -- of the home; of an area: its prefix
    home_id        text REFERENCES homes,                         -- null: of everybody there
    device_id      text,                                          -- null: the whole home
    technical_only boolean NOT NULL,                              -- true: people's alarms ring all the same
    reason         text NOT NULL CHECK (reason <> ''),
    substitute     text NOT NULL,
    from_at        timestamptz NOT NULL,                          -- wall clock
    until_at       timestamptz NOT NULL,
    planned_by     text NOT NULL,
    planned_at     timestamptz NOT NULL,
    ended_at       timestamptz,                                   -- back in service before its time, as somebody said
    ended_by       text,
    begun          boolean NOT NULL DEFAULT false,                -- the twins have seen it begin, and end
    over           boolean NOT NULL DEFAULT false,
    CHECK (from_at < until_at AND until_at <= from_at + interval '8 hours'),  -- alerts.windows.LONGEST_S
    CHECK (technical_only OR substitute <> ''),                   -- nobody's call for help is silent without somebody in its place
    CHECK (device_id IS NULL OR home_id IS NOT NULL)
);
CREATE INDEX service_windows_to_come ON service_windows (until_at) WHERE NOT over;
CREATE INDEX service_windows_by_home ON service_windows (home_id) WHERE home_id IS NOT NULL;
CREATE INDEX cases_suspended ON cases (case_id) WHERE handling = 'SUSPENDED';

-- Homes see theirs; those of an area are seen by who sees that whole area, and by homes through their coverage.
ALTER TABLE service_windows ENABLE ROW LEVEL SECURITY;
CREATE POLICY within_area ON service_windows TO shouwang_api
    USING (current_setting('shouwang.role', true) <> 'helper'
           AND area_code ~>=~ current_setting('shouwang.area_from', true) AND area_code ~<~ current_setting('shouwang.area_to', true));
