-- What is usual with a person (beside the silences of the home), figures of each day for people to read, and vitals that ask first.
CREATE TABLE learned_usual (
    home_id     text NOT NULL,
    resident_id text NOT NULL,                                    -- '': of the home
    name        text NOT NULL,                                    -- usual.word, as a card's threshold_names say it
    value       double precision NOT NULL,
    days        integer NOT NULL,                                 -- evidence: days, and what was counted on them (readings' tenths of an hour, stays)
    counted     integer NOT NULL,
    learned_at  timestamptz NOT NULL,
    PRIMARY KEY (home_id, resident_id, name)
);

-- Information, never an alarm: no query of alerts or stream reads it.
CREATE TABLE daily_habits (
    home_id      text NOT NULL,
    day          date NOT NULL,                                   -- the home's local day
    signs        integer NOT NULL,
    active_hours smallint NOT NULL,
    first_h      double precision NOT NULL,                       -- local hour of the first sign after 4:00
    night_visits smallint,                                        -- to the bathroom, in the night that ended on this day; null: cannot be known
    PRIMARY KEY (home_id, day)
);

-- Fevers of one institution are gathered in one case: homes of a site, and the cases that hold a home's fevers, are looked up.
CREATE INDEX homes_by_site ON homes (site_id) WHERE site_id IS NOT NULL;
CREATE INDEX detections_gathered ON detections (home_id, case_id) WHERE detector = 'fever' AND case_id IS NOT NULL;

-- A departure from what is usual with a person (score 1) asks first; what is critical (score 2) does not.
UPDATE priority_rules SET priority = 3 WHERE family = 'vitals' AND score = 1 AND priority = 2 AND changed_by = 'system';
