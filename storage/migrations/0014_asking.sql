-- Asking first, the whole ladder, the shelf, what a resolved case must say and its second look, and who was told of a case.

-- alerts/rules.py says the same and gives the reasons; a test compares. Supervisors change them here.
CREATE TABLE asking_times (
    family     text PRIMARY KEY,
    wait_s     double precision NOT NULL CHECK (wait_s > 0 AND wait_s <= 900),  -- the resident and kin are asked so long before a desk hears of a P3
    enabled    boolean NOT NULL DEFAULT true,                                   -- false: into the queue at once
    changed_by text NOT NULL DEFAULT 'system',
    changed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO asking_times (family, wait_s) VALUES ('fall', 120), ('stove', 120), ('no_life', 300), ('vitals', 300);

-- Score 1 of the stove is a warning and not yet the forgotten stove: P3, and the resident is asked.
UPDATE priority_rules SET priority = 3 WHERE family = 'stove' AND score = 1 AND priority = 2 AND changed_by = 'system';
-- What these steps of the ladder call for happens from now on.
UPDATE escalation_rungs SET enabled = true WHERE priority = 1 AND changed_by = 'system';

ALTER TABLE cases
    ADD COLUMN asking_until_at timestamptz,
    ADD COLUMN spell integer NOT NULL DEFAULT 0,                  -- how often it came into the queue
    ADD COLUMN contact text,                                      -- who was reached: alerts.outcomes.CONTACTS
    ADD COLUMN follow_up_at timestamptz,                          -- promised: comes back then unless somebody looked again
    ADD COLUMN looked_by text;                                    -- second look at a P1
CREATE INDEX cases_asking ON cases (asking_until_at) WHERE handling = 'ASKING';
CREATE INDEX cases_not_looked_at ON cases (resolved_at) WHERE handling = 'RESOLVED' AND priority = 1 AND looked_by IS NULL;

CREATE TABLE case_questions (
    question_id    text PRIMARY KEY,                              -- uuid5 of case, round, channel and person, so both twins choose the same
    case_id        text NOT NULL REFERENCES cases,
    round          smallint NOT NULL,
    channel        text NOT NULL CHECK (channel IN ('voice', 'app')),
    recipient      text NOT NULL,                                 -- resident_id, or user_name of kin
    phone          text NOT NULL DEFAULT '',
    token          text NOT NULL DEFAULT '',                      -- an answer by voice brings it
    asked_at       timestamptz NOT NULL,
    taken_until_at timestamptz NOT NULL,                          -- until then one twin tries; then the other may
    told           boolean,                                       -- null: being tried
    detail         text NOT NULL DEFAULT '',
    answer         text CHECK (answer IN ('well', 'help', 'unsure', 'silence')),
    answered_at    timestamptz
);
CREATE INDEX case_questions_by_case ON case_questions (case_id);
CREATE INDEX case_questions_of_kin ON case_questions (recipient) WHERE channel = 'app' AND answer IS NULL;

CREATE TABLE incident_reviews (
    case_id   text PRIMARY KEY REFERENCES cases,
    opened_at timestamptz NOT NULL,
    waited_s  double precision NOT NULL,                          -- unclaimed for so long when it opened
    closed_at timestamptz,
    closed_by text,
    finding   text NOT NULL DEFAULT ''
);

-- Who is told of cases beside the desks' consoles: telephones, chat rooms, a wall, another centre, kin.
CREATE TABLE recipients (
    recipient_id      text PRIMARY KEY CHECK (recipient_id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    kind              text NOT NULL CHECK (kind IN ('desk', 'supervisor', 'wall', 'backup_centre', 'kin')),
    name              text NOT NULL DEFAULT '',
    url               text NOT NULL,                              -- Apprise address; it holds the way's own secret
    language          text NOT NULL DEFAULT 'zh' CHECK (language IN ('zh', 'en')),
    area_prefix       text NOT NULL DEFAULT '',
    home_id           text REFERENCES homes,                      -- kin: of this home
    consented_at      timestamptz,                                -- kin are told after they agreed
    lowest_priority   smallint NOT NULL DEFAULT 2 CHECK (lowest_priority BETWEEN 1 AND 5),
    most_per_hour     integer NOT NULL DEFAULT 30 CHECK (most_per_hour >= 0),   -- a P1 is told beyond these limits
    cost              double precision NOT NULL DEFAULT 0 CHECK (cost >= 0),    -- of one message, CNY
    most_cost_per_day double precision,
    enabled           boolean NOT NULL DEFAULT true,
    CHECK (kind <> 'kin' OR home_id IS NOT NULL)
);
CREATE INDEX recipients_by_home ON recipients (home_id) WHERE home_id IS NOT NULL;

CREATE TABLE rota (
    recipient_id text NOT NULL REFERENCES recipients ON DELETE CASCADE,
    weekday      smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),             -- 1 Monday; a recipient without rows is always on duty
    from_minute  smallint NOT NULL CHECK (from_minute BETWEEN 0 AND 1439),      -- local minute of the day
    to_minute    smallint NOT NULL CHECK (to_minute BETWEEN 1 AND 1440),
    zone         text NOT NULL DEFAULT 'Asia/Shanghai',
    PRIMARY KEY (recipient_id, weekday, from_minute),
    CHECK (from_minute < to_minute)
);

CREATE TABLE notices (
    case_id        text NOT NULL REFERENCES cases,
    spell          integer NOT NULL,
    priority       smallint NOT NULL,
    rung           smallint NOT NULL,
    recipient_id   text NOT NULL,
    attempts       integer NOT NULL DEFAULT 0,
    taken_until_at timestamptz NOT NULL,                          -- one twin's until then; or when it is tried again
    sent           boolean,                                       -- null: being sent
    at             timestamptz NOT NULL,                          -- of the newest attempt
    cost           double precision NOT NULL DEFAULT 0,
    detail         text NOT NULL DEFAULT '',
    PRIMARY KEY (case_id, spell, priority, rung, recipient_id)
);
CREATE INDEX notices_by_recipient ON notices (recipient_id, at);

-- Urgent detections that were told before the database held them: the case that follows does not tell the same people again.
CREATE TABLE announcements (
    detection_id text NOT NULL,
    recipient_id text NOT NULL,
    at           timestamptz NOT NULL,
    sent         boolean NOT NULL,
    detail       text NOT NULL DEFAULT '',
    PRIMARY KEY (detection_id, recipient_id)
);
