-- Somebody outside of a resident's area reads that one record, for a stated reason and a short time; who looked at whom can be listed.
CREATE TABLE break_glass (
    opening_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_name   text NOT NULL REFERENCES users,
    user_area   text NOT NULL,                                    -- the user's area_prefix then: the own supervisors see it as well
    resident_id text NOT NULL REFERENCES residents,
    home_id     text NOT NULL REFERENCES homes,
    area_code   text NOT NULL,                                    -- of the home then
    reason      text NOT NULL CHECK (length(reason) >= 10),
    opened_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL CHECK (ends_at > opened_at AND ends_at <= opened_at + interval '1 hour'),
    ended_at    timestamptz,                                      -- before its time; otherwise it ends by itself
    ended_by    text
);
CREATE INDEX break_glass_of_user ON break_glass (user_name, ends_at);

-- Whom a caller's number belongs to, whichever way it is written: its last 11 digits.
CREATE INDEX residents_by_phone ON residents (right(regexp_replace(phone, '\D', '', 'g'), 11)) WHERE phone <> '';

-- Views of people's records, newest first; the two actions are those that the api writes when it shows one.
CREATE INDEX audit_views ON audit (at DESC, audit_id DESC) WHERE action IN ('viewed', 'listed_residents');
