-- People who go there: asked, accepted, on the way, arrived, left, with what came of it; weekly visits; the need assessment behind the care level.
ALTER TABLE users DROP CONSTRAINT users_role_check;
ALTER TABLE users ADD CONSTRAINT users_role_check CHECK (role ~ '^[a-z_]{1,40}$');  -- storage.records.USER_ROLES is the list

CREATE TABLE helpers (
    user_name text PRIMARY KEY REFERENCES users,
    kind      text NOT NULL CHECK (kind IN ('community', 'volunteer', 'doctor')),
    phone     text NOT NULL DEFAULT ''
);

CREATE TABLE responses (
    response_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id     text NOT NULL REFERENCES cases ON DELETE CASCADE,
    user_name   text NOT NULL REFERENCES users,
    state       text NOT NULL CHECK (state IN ('asked', 'accepted', 'declined', 'on_way', 'arrived', 'left')),
    asked_by    text NOT NULL,
    asked_at    timestamptz NOT NULL,                             -- the service circle counts from here
    answered_at timestamptz,                                      -- accepted or declined
    on_way_at   timestamptz,
    arrived_at  timestamptz,
    left_at     timestamptz,
    limit_s     double precision NOT NULL,                        -- to arrive within, as it held when asked
    result      text CHECK (result IN ('well', 'helped', 'handed_over', 'not_met', 'needs_more')),
    note        text NOT NULL DEFAULT '',
    UNIQUE (case_id, user_name)
);
CREATE INDEX responses_by_helper ON responses (user_name, asked_at DESC);

-- Service circle: 10 minutes in town, 20 in the country; changed here.
CREATE TABLE service_circles (
    setting  text PRIMARY KEY CHECK (setting IN ('town', 'country')),
    arrive_s double precision NOT NULL CHECK (arrive_s > 0)
);
INSERT INTO service_circles VALUES ('town', 600), ('country', 1200);
ALTER TABLE homes ADD COLUMN setting text NOT NULL DEFAULT 'town' REFERENCES service_circles;

-- Groups that the rules name for weekly visits.
ALTER TABLE residents ADD COLUMN groups text[] NOT NULL DEFAULT '{}'
    CHECK (groups <@ ARRAY['alone', 'empty_nest', 'left_behind', 'disabled', 'severely_handicapped', 'bereaved']);

CREATE TABLE visits (
    visit_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    resident_id text NOT NULL REFERENCES residents,
    user_name   text NOT NULL REFERENCES users,
    at          timestamptz NOT NULL,
    left_at     timestamptz NOT NULL,
    how         text NOT NULL CHECK (how IN ('door', 'phone')),
    result      text NOT NULL CHECK (result IN ('well', 'needs_more', 'not_met')),
    note        text NOT NULL DEFAULT '',
    CHECK (at <= left_at),
    UNIQUE (resident_id, user_name, at)
);
CREATE INDEX visits_by_resident ON visits (resident_id, at DESC);
CREATE INDEX visits_by_helper ON visits (user_name, at DESC);

-- How often somebody is visited by care level, days. Weekly is the rule for the named groups; the shorter ones are chosen. Supervision of who needs most.
CREATE TABLE supervision_rules (
    care_level smallint PRIMARY KEY CHECK (care_level BETWEEN 0 AND 5),
    visit_days smallint NOT NULL CHECK (visit_days BETWEEN 1 AND 31)
);
INSERT INTO supervision_rules VALUES (0, 7), (1, 7), (2, 7), (3, 3), (4, 2), (5, 1);

-- Need assessments; the highest newest level of a home's residents is the home's care level, and so in its card and in the priority of its cases.
CREATE TABLE assessments (
    assessment_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    resident_id   text NOT NULL REFERENCES residents,
    level         smallint NOT NULL CHECK (level BETWEEN 0 AND 5),
    assessed_on   date NOT NULL,
    assessor      text NOT NULL,
    paper         text NOT NULL DEFAULT '',
    recorded_by   text NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX assessments_by_resident ON assessments (resident_id, assessed_on DESC, assessment_id DESC);

-- Time that a volunteer gave, for the time bank: from setting out (or arriving) to leaving.
CREATE VIEW helper_hours AS
SELECT user_name, 'case' AS kind, case_id AS about, coalesce(on_way_at, arrived_at) AS from_at, left_at AS to_at
  FROM responses WHERE state = 'left' AND coalesce(on_way_at, arrived_at) IS NOT NULL
UNION ALL
SELECT user_name, 'visit', visit_id::text, at, left_at FROM visits;
