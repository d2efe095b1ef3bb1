-- What is handed over to medicine: each bundle as it was sent, kept until the other side has taken it.
CREATE TABLE handovers (
    handover_id    text PRIMARY KEY,
    case_id        text NOT NULL REFERENCES cases ON DELETE CASCADE,
    bundle         jsonb NOT NULL,
    asked_by       text NOT NULL,
    asked_at       timestamptz NOT NULL,
    attempts       integer NOT NULL DEFAULT 0,
    next_at        timestamptz NOT NULL,                          -- when it is tried (again)
    taken_until_at timestamptz,                                   -- one api process's until then
    sent_at        timestamptz,
    detail         text NOT NULL DEFAULT ''
);
CREATE INDEX handovers_to_send ON handovers (next_at) WHERE sent_at IS NULL;
CREATE INDEX handovers_by_case ON handovers (case_id, asked_at);
