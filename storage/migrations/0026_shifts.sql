-- Shifts: centres and their desks, who sits where, who is planned, how few are too few, whom a case is offered to, and hand-overs with two signatures.

CREATE TABLE centres (
    area_prefix   text PRIMARY KEY CHECK (area_prefix ~ '^([0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})?$'),  -- whom it watches
    name          text NOT NULL DEFAULT '',
    least_on_duty smallint NOT NULL DEFAULT 2 CHECK (least_on_duty BETWEEN 2 AND 500)
);

CREATE TABLE desks (
    desk_id     text PRIMARY KEY CHECK (desk_id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),  -- the place; cases.desk_id names the person who sits there
    area_prefix text NOT NULL REFERENCES centres,
    name        text NOT NULL DEFAULT '',
    closed_at   timestamptz                                       -- taken away; its history stays
);

CREATE TABLE sign_ons (
    sign_on_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    desk_id      text NOT NULL REFERENCES desks,
    area_prefix  text NOT NULL,                                   -- of the desk's centre
    user_name    text NOT NULL REFERENCES users,
    signed_on_at timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL,                            -- when the desk's page last said that it is there
    ended_at     timestamptz,
    ended_why    text CHECK (ended_why IN ('signed_off', 'silent', 'handed_over', 'moved')),
    successor    text REFERENCES users,                           -- who took over, with both signatures
    settled_at   timestamptz                                      -- when the cases that he left had gone on
);
CREATE UNIQUE INDEX sign_ons_one_of_user ON sign_ons (user_name) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX sign_ons_one_at_desk ON sign_ons (desk_id) WHERE ended_at IS NULL;
CREATE INDEX sign_ons_to_settle ON sign_ons (ended_at) WHERE ended_at IS NOT NULL AND settled_at IS NULL;
CREATE INDEX sign_ons_handed_over ON sign_ons (ended_at) WHERE successor IS NOT NULL;

CREATE TABLE duties (
    duty_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    area_prefix  text NOT NULL REFERENCES centres,
    user_name    text NOT NULL REFERENCES users,
    from_at      timestamptz NOT NULL,
    to_at        timestamptz NOT NULL CHECK (to_at > from_at AND to_at <= from_at + interval '24 hours'),
    made_by      text NOT NULL,
    made_at      timestamptz NOT NULL,
    cancelled_at timestamptz,
    cancelled_by text
);
CREATE INDEX duties_of_centre ON duties (area_prefix, from_at);

CREATE TABLE staffing_gaps (
    gap_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    area_prefix text NOT NULL REFERENCES centres,
    from_at     timestamptz NOT NULL,
    on_duty     smallint NOT NULL,                                -- the fewest that there were
    least       smallint NOT NULL,
    ended_at    timestamptz
);
CREATE UNIQUE INDEX staffing_gaps_one ON staffing_gaps (area_prefix) WHERE ended_at IS NULL;

-- Which supervisors were told of a gap; taken before it is sent, as notices of cases are.
CREATE TABLE staffing_notices (
    gap_id         bigint NOT NULL REFERENCES staffing_gaps ON DELETE CASCADE,
    recipient_id   text NOT NULL,
    attempts       integer NOT NULL DEFAULT 1,
    taken_until_at timestamptz NOT NULL,
    sent           boolean,
    at             timestamptz NOT NULL,
    detail         text NOT NULL DEFAULT '',
    PRIMARY KEY (gap_id, recipient_id)
);

-- Whom a waiting case is offered to first. It hides the case from nobody and keeps nobody from claiming it.
CREATE TABLE case_offers (
    case_id    text NOT NULL REFERENCES cases ON DELETE CASCADE,
    spell      integer NOT NULL,                                  -- of this time of waiting: once each
    user_name  text NOT NULL,
    why        text NOT NULL CHECK (why IN ('load', 'promise')),
    offered_at timestamptz NOT NULL,
    until_at   timestamptz NOT NULL,
    PRIMARY KEY (case_id, spell)
);
CREATE INDEX case_offers_by_time ON case_offers (until_at);
-- What each took lately, for whose turn it is.
CREATE INDEX audit_claims ON audit (actor, at) WHERE action = 'claimed';

-- What one shift leaves to the next, as it was signed. Written once.
CREATE TABLE shift_handovers (
    handover_id text PRIMARY KEY,
    place       bigint GENERATED ALWAYS AS IDENTITY,               -- the newest of one sign-on is the one that waits
    area_prefix text NOT NULL,
    sign_on_id  bigint NOT NULL REFERENCES sign_ons,
    from_user   text NOT NULL,
    written_at  timestamptz NOT NULL,
    document    text NOT NULL,                                    -- JSON, to the letter as it was signed
    digest      text NOT NULL                                     -- SHA-256 of it
);
CREATE INDEX shift_handovers_of_area ON shift_handovers (area_prefix, written_at DESC);

CREATE TABLE handover_signatures (
    handover_id text NOT NULL REFERENCES shift_handovers,
    part        text NOT NULL CHECK (part IN ('gives', 'takes')),
    user_name   text NOT NULL,
    signed_at   timestamptz NOT NULL,
    digest      text NOT NULL,                                    -- of the document that was signed
    PRIMARY KEY (handover_id, part)
);

CREATE FUNCTION is_kept_as_signed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a hand-over and its signatures stay as they are' USING ERRCODE = 'insufficient_privilege';
    END $$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON shift_handovers FOR EACH ROW EXECUTE FUNCTION is_kept_as_signed();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON handover_signatures FOR EACH ROW EXECUTE FUNCTION is_kept_as_signed();
REVOKE UPDATE, DELETE ON shift_handovers, handover_signatures FROM shouwang_api;
REVOKE ALL ON staffing_notices FROM shouwang_api;
REVOKE INSERT, UPDATE, DELETE ON case_offers, staffing_gaps FROM shouwang_api;

-- A centre is for those whose area holds all of it: who sees a part of its homes alone is not on duty for it.
ALTER TABLE centres ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_area ON centres TO shouwang_api
    USING (current_setting('shouwang.role', true) IN ('operator', 'supervisor', 'admin') AND area_holds(area_prefix));
ALTER TABLE desks ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_area ON desks TO shouwang_api
    USING (current_setting('shouwang.role', true) IN ('operator', 'supervisor', 'admin') AND area_holds(area_prefix));
ALTER TABLE sign_ons ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_area ON sign_ons TO shouwang_api
    USING (current_setting('shouwang.role', true) IN ('operator', 'supervisor', 'admin') AND area_holds(area_prefix));
ALTER TABLE duties ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_area ON duties TO shouwang_api
    USING (current_setting('shouwang.role', true) IN ('operator', 'supervisor', 'admin') AND area_holds(area_prefix));
ALTER TABLE staffing_gaps ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_area ON staffing_gaps TO shouwang_api
    USING (current_setting('shouwang.role', true) IN ('operator', 'supervisor', 'admin') AND area_holds(area_prefix));
ALTER TABLE case_offers ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_cases ON case_offers TO shouwang_api USING ((SELECT true FROM cases AS c WHERE c.case_id = case_offers.case_id));
-- It names cases, and so it is not an administrator's.
ALTER TABLE shift_handovers ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_area ON shift_handovers TO shouwang_api
    USING (current_setting('shouwang.role', true) IN ('operator', 'supervisor') AND area_holds(area_prefix));
ALTER TABLE handover_signatures ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_handovers ON handover_signatures TO shouwang_api
    USING ((SELECT true FROM shift_handovers AS h WHERE h.handover_id = handover_signatures.handover_id));
