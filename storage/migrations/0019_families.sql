-- Consent: who may see what of whom; notices of absence and visits, kin who go there, how kin are told, tokens for their own programs.

-- Append only. The newest row of a resident and a person is in force; no row, or one without scopes: nothing is seen.
CREATE TABLE consents (
    consent_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    resident_id text NOT NULL REFERENCES residents,
    user_name   text NOT NULL REFERENCES users,
    scopes      text[] NOT NULL                                   -- storage.consents.SCOPES; empty: withdrawn
                CHECK (scopes <@ ARRAY['word', 'day', 'alerts', 'handler', 'address', 'contacts', 'told', 'away']),
    given_by    text NOT NULL CHECK (given_by IN ('resident', 'guardian')),
    giver       text NOT NULL DEFAULT '',                         -- the guardian's name
    ground      text NOT NULL CHECK (ground <> ''),               -- paper of which day, said at enrolment, ...
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX consents_in_force ON consents (resident_id, user_name, consent_id DESC);
CREATE INDEX consents_of_kin ON consents (user_name);

-- What a family user may see at this moment; every family's query goes through it.
CREATE VIEW kin_sees AS
SELECT f.user_name, f.resident_id, c.scopes
  FROM family_links AS f
 CROSS JOIN LATERAL (SELECT scopes FROM consents AS c
                      WHERE c.resident_id = f.resident_id AND c.user_name = f.user_name
                      ORDER BY consent_id DESC LIMIT 1) AS c
 WHERE f.revoked_at IS NULL AND cardinality(c.scopes) > 0;

-- Links from before consents were kept go on showing what they showed; the ground says that nobody was asked for it in this form.
INSERT INTO consents (resident_id, user_name, scopes, given_by, ground, recorded_by)
SELECT resident_id, user_name, ARRAY['word', 'alerts', 'handler'], 'resident', 'linked before consents were recorded; to be asked again', 'migration'
  FROM family_links WHERE revoked_at IS NULL;

ALTER TABLE homes ADD COLUMN visitor_until timestamptz;           -- somebody else may be inside, and come and go, until then

CREATE TABLE home_notices (
    notice_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    home_id      text NOT NULL REFERENCES homes,
    resident_id  text NOT NULL REFERENCES residents,
    kind         text NOT NULL CHECK (kind IN ('away', 'visitor')),
    everybody    boolean NOT NULL,                                -- away: nobody stays behind in a home of several
    from_at      timestamptz NOT NULL,                            -- on the clock of the home's source, as all that its devices say
    until_at     timestamptz NOT NULL,
    note         text NOT NULL DEFAULT '',
    made_by      text NOT NULL,
    made_at      timestamptz NOT NULL DEFAULT now(),
    cancelled_at timestamptz,
    cancelled_by text,
    CHECK (from_at < until_at)
);
CREATE INDEX home_notices_by_home ON home_notices (home_id, until_at);
CREATE INDEX home_notices_in_force ON home_notices (until_at) WHERE cancelled_at IS NULL;

CREATE TABLE kin_going (
    case_id   text NOT NULL REFERENCES cases ON DELETE CASCADE,
    user_name text NOT NULL REFERENCES users,
    said_at   timestamptz NOT NULL,
    ended_at  timestamptz,                                        -- took it back
    PRIMARY KEY (case_id, user_name)
);

-- Kin who chose by themselves how they are told: only while the consent says so.
ALTER TABLE recipients
    ADD COLUMN user_name text REFERENCES users,
    ADD COLUMN resident_id text REFERENCES residents,
    ADD COLUMN way text NOT NULL DEFAULT '',                      -- which of the site's ways (SHOUWANG_API_KIN_WAYS)
    ADD COLUMN reach text NOT NULL DEFAULT '';                    -- their number or address on that way
CREATE UNIQUE INDEX recipients_of_kin ON recipients (user_name, resident_id) WHERE user_name IS NOT NULL;

CREATE TABLE kin_tokens (
    token_id   text PRIMARY KEY,
    user_name  text NOT NULL REFERENCES users,
    name       text NOT NULL,
    token_hash text NOT NULL UNIQUE,                              -- SHA-256; the token itself is said once and kept nowhere
    scopes     text[] NOT NULL,                                   -- never more than the consent of the moment gives
    epoch      integer NOT NULL,                                  -- users.token_epoch when it was made: a new password ends it
    made_at    timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    used_at    timestamptz,
    ended_at   timestamptz
);
CREATE INDEX kin_tokens_by_user ON kin_tokens (user_name);
