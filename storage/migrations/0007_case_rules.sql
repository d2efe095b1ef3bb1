-- Rules by which cases are ranked and escalated, the pipeline's own standstill, and an outbox that two relays share.

-- alerts/rules.py says the same and gives the sources; a test compares. Supervisors change them here.
INSERT INTO priority_rules (family, score, priority) VALUES
    ('sos', 0, 1), ('sos', 1, 1), ('sos', 2, 1), ('sos', 3, 1), ('sos', 4, 1),
    ('fall', 0, 3), ('fall', 1, 3), ('fall', 2, 2), ('fall', 3, 1), ('fall', 4, 1),
    ('no_life', 0, 3), ('no_life', 1, 3), ('no_life', 2, 2), ('no_life', 3, 1), ('no_life', 4, 1),
    ('smoke', 0, 1), ('smoke', 1, 1), ('smoke', 2, 1), ('smoke', 3, 1), ('smoke', 4, 1),
    ('gas', 0, 1), ('gas', 1, 1), ('gas', 2, 1), ('gas', 3, 1), ('gas', 4, 1),
    ('co', 0, 1), ('co', 1, 1), ('co', 2, 1), ('co', 3, 1), ('co', 4, 1),
    ('stove', 0, 3), ('stove', 1, 2), ('stove', 2, 2), ('stove', 3, 2), ('stove', 4, 2),
    ('water', 0, 3), ('water', 1, 3), ('water', 2, 3), ('water', 3, 3), ('water', 4, 3),
    ('wandering', 0, 3), ('wandering', 1, 2), ('wandering', 2, 2), ('wandering', 3, 2), ('wandering', 4, 2),
    ('vitals', 0, 3), ('vitals', 1, 2), ('vitals', 2, 2), ('vitals', 3, 2), ('vitals', 4, 2),
    ('food', 0, 3), ('food', 1, 3), ('food', 2, 3), ('food', 3, 3), ('food', 4, 3),
    ('technical', 0, 4), ('technical', 1, 4), ('technical', 2, 4), ('technical', 3, 4), ('technical', 4, 4);

CREATE TABLE escalation_rungs (
    priority   smallint NOT NULL CHECK (priority BETWEEN 1 AND 5),
    rung       smallint NOT NULL CHECK (rung > 0),
    after_s    double precision NOT NULL CHECK (after_s > 0),         -- since queued_at
    who        text NOT NULL,
    enabled    boolean NOT NULL DEFAULT true,                         -- false: planned, nothing would happen there yet
    changed_by text NOT NULL DEFAULT 'system',
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (priority, rung)
);
INSERT INTO escalation_rungs (priority, rung, after_s, who, enabled) VALUES
    (1, 1, 30, 'all_desks', true),
    (1, 2, 60, 'supervisor_wall', false),
    (1, 3, 90, 'backup_centre_kin', false),
    (1, 4, 180, 'incident_review', false),
    (2, 1, 180, 'all_desks', true),
    (3, 1, 900, 'all_desks', true),
    (4, 1, 14400, 'all_desks', true);

CREATE TABLE answer_times (
    priority   smallint PRIMARY KEY CHECK (priority BETWEEN 1 AND 5),
    answer_s   double precision NOT NULL CHECK (answer_s > 0),        -- a case should be claimed within this
    changed_by text NOT NULL DEFAULT 'system',
    changed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO answer_times (priority, answer_s) VALUES (1, 60), (2, 180), (3, 900), (4, 14400), (5, 86400);

-- Since when the condition is as it is: a technical one closes when it has stayed off for a while.
ALTER TABLE cases ADD COLUMN condition_at timestamptz NOT NULL DEFAULT now();

-- A detection that nobody took into a case although it holds: looked for at each start.
CREATE INDEX detections_without_case ON detections (read_at) WHERE case_id IS NULL AND "on" AND NOT withdrawn;

-- The relays of both twins take rows for a short time (no lock is held while Kafka answers), the most urgent first.
ALTER TABLE outbox
    ADD COLUMN priority smallint NOT NULL DEFAULT 5,
    ADD COLUMN taken_until_at timestamptz;
DROP INDEX outbox_to_send;
CREATE INDEX outbox_to_send ON outbox (priority, outbox_id) WHERE sent_at IS NULL;
CREATE INDEX outbox_sent ON outbox (sent_at) WHERE sent_at IS NOT NULL;

-- How far the stream is, as alerts hears it on progress.v1. Standing still on the wall clock = everybody there is blind.
CREATE TABLE pipeline (
    stream_group  text NOT NULL,
    lane          text NOT NULL,
    partition     integer NOT NULL,
    source        text NOT NULL,                                      -- bridge whose homes they are
    clock         text NOT NULL,                                      -- wall, virtual or recorded: of watched_until_at
    worker        text NOT NULL,
    watched_until_at timestamptz,                                     -- stream time, on that source's clock
    moved_at      timestamptz NOT NULL,                               -- wall clock: when watched_until_at last went on
    seen_at       timestamptz NOT NULL,                               -- wall clock: when the worker last said anything
    next_offset   bigint NOT NULL,
    lag           bigint NOT NULL,
    PRIMARY KEY (stream_group, partition, source)
);
