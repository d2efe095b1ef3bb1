-- Detections, cases, their timers, audit and outbox: the life of an alert.
CREATE TABLE detections (
    detection_id text NOT NULL,
    lane         text NOT NULL,
    revision     integer NOT NULL,
    detector     text NOT NULL,
    family       text NOT NULL,
    home_id      text NOT NULL,
    "on"         boolean NOT NULL,
    withdrawn    boolean NOT NULL DEFAULT false,
    test         boolean NOT NULL DEFAULT false,
    started_at   timestamptz NOT NULL,
    decided_at   timestamptz NOT NULL,
    read_at      timestamptz NOT NULL DEFAULT now(),
    case_id      text,                                            -- null: an older revision, or not for a case
    body         jsonb NOT NULL,                                  -- contracts.detections.Detection
    PRIMARY KEY (detection_id, lane, revision)                    -- a repeat meets this and does nothing
);
CREATE INDEX detections_by_home ON detections (home_id, started_at DESC);
CREATE INDEX detections_by_case ON detections (case_id) WHERE case_id IS NOT NULL;

CREATE TABLE priority_rules (
    family     text NOT NULL,
    score      smallint NOT NULL CHECK (score BETWEEN 0 AND 4),
    priority   smallint NOT NULL CHECK (priority BETWEEN 1 AND 5),
    changed_by text NOT NULL DEFAULT 'system',
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (family, score)
);

CREATE TABLE cases (
    case_id       text PRIMARY KEY,                               -- uuid5 of its first detection (and reopening), so both twins choose the same
    version       integer NOT NULL DEFAULT 1,
    home_id       text NOT NULL,
    area_code     text NOT NULL DEFAULT '',
    resident_id   text,
    family        text NOT NULL,
    priority      smallint NOT NULL CHECK (priority BETWEEN 1 AND 5),
    score         smallint NOT NULL CHECK (score BETWEEN 0 AND 4),
    reasons       jsonb NOT NULL DEFAULT '[]',                    -- [{key, evidence}] in the order they came
    handling      text NOT NULL,
    condition     text NOT NULL CHECK (condition IN ('on', 'latched', 'off')),
    test          boolean NOT NULL DEFAULT false,
    event_at      timestamptz NOT NULL,                           -- event time of the first signal (its source's clock)
    raised_at     timestamptz NOT NULL,                           -- wall clock from here on
    queued_at     timestamptz,
    deadline_at   timestamptz,
    desk_id       text,
    former_desk_id text,
    lease_id      text,
    lease_until_at timestamptz,
    claimed_at    timestamptz,                                    -- first claim: "answered"
    rung          smallint NOT NULL DEFAULT 0,
    signals       integer NOT NULL DEFAULT 1,
    held_until_at timestamptz,
    hold_reason   text,
    outcome       text,
    resolved_at   timestamptz,
    resolved_by   text,
    closed_at     timestamptz,
    after_case_id text REFERENCES cases,                          -- linked: a new episode after RESOLVED
    merged_into   text REFERENCES cases
);
-- One open case for each home and family.
CREATE UNIQUE INDEX cases_one_open ON cases (home_id, family)
    WHERE handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST');
CREATE INDEX cases_open ON cases (priority, deadline_at) WHERE handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST');
CREATE INDEX cases_by_home ON cases (home_id, raised_at DESC);

CREATE TABLE case_signals (
    case_id      text NOT NULL REFERENCES cases,
    detection_id text NOT NULL,
    detector     text NOT NULL,
    device_id    text,
    "on"         boolean NOT NULL,
    withdrawn    boolean NOT NULL DEFAULT false,
    score        smallint NOT NULL,
    reason       text NOT NULL,
    evidence     jsonb NOT NULL DEFAULT '{}',
    started_at   timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL DEFAULT now(),
    origin       jsonb,
    revisions    jsonb NOT NULL DEFAULT '{}',                     -- highest revision seen, by lane
    PRIMARY KEY (case_id, detection_id)
);
CREATE INDEX case_signals_by_detection ON case_signals (detection_id);

CREATE TABLE case_timers (
    case_id text NOT NULL REFERENCES cases,
    kind    text NOT NULL,                                        -- rung, lease, hold, close, restoral
    due_at  timestamptz NOT NULL,
    facts   jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (case_id, kind)
);
CREATE INDEX case_timers_due ON case_timers (due_at);

CREATE TABLE audit (
    audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT now(),
    actor    text NOT NULL,
    action   text NOT NULL,                                       -- case changes, and views and changes of people's records
    case_id  text,
    home_id  text,
    version  integer,                                             -- of the case after the change
    reason   text NOT NULL DEFAULT '',
    facts    jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_by_case ON audit (case_id, audit_id) WHERE case_id IS NOT NULL;
CREATE INDEX audit_by_home ON audit (home_id, audit_id) WHERE home_id IS NOT NULL;

CREATE TABLE outbox (
    outbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic     text NOT NULL,
    key       text NOT NULL,
    value     bytea NOT NULL,
    made_at   timestamptz NOT NULL DEFAULT now(),
    sent_at   timestamptz
);
CREATE INDEX outbox_to_send ON outbox (outbox_id) WHERE sent_at IS NULL;

CREATE TABLE consumer_offsets (
    consumer    text NOT NULL,                                    -- writer, alerts-1, alerts-2
    topic       text NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (consumer, topic, partition)
);
