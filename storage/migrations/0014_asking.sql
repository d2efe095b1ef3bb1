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
