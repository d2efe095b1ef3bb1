-- What goes out to a city's own platforms: who consented to it, when each row last changed so that only what is new need be fetched, and what a platform's log-in sees.

-- Append only, as the consents for relatives. The newest row of a resident is in force; none: the resident is counted and never listed.
CREATE TABLE upstream_consents (
    consent_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    resident_id text NOT NULL REFERENCES residents,
    agreed      boolean NOT NULL,                                 -- false: withdrawn
    given_by    text NOT NULL CHECK (given_by IN ('resident', 'guardian')),
    giver       text NOT NULL DEFAULT '',                         -- the guardian's name
    ground      text NOT NULL CHECK (ground <> ''),
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX upstream_consents_by_resident ON upstream_consents (resident_id, consent_id DESC);

-- Who goes out by name now, and from when on: what happened before the resident said yes stays here.
CREATE VIEW upstream_agrees WITH (security_invoker = true) AS
SELECT c.resident_id, min(c.recorded_at) AS from_at
  FROM upstream_consents AS c
 WHERE c.agreed AND NOT EXISTS (SELECT FROM upstream_consents AS later
                                 WHERE later.resident_id = c.resident_id AND later.consent_id > c.consent_id AND NOT later.agreed)
 GROUP BY c.resident_id;

-- When a row last became another one. The instant is the transaction's, so whoever asks "since" goes back by more than a transaction lasts.
ALTER TABLE homes ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE residents ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE visits ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE cases ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();

CREATE FUNCTION stamp_change() RETURNS trigger
    LANGUAGE plpgsql AS $$ BEGIN NEW.changed_at := now(); RETURN NEW; END $$;
CREATE TRIGGER stamp BEFORE UPDATE ON homes FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION stamp_change();
CREATE TRIGGER stamp BEFORE UPDATE ON residents FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION stamp_change();
CREATE TRIGGER stamp BEFORE UPDATE ON visits FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION stamp_change();
CREATE TRIGGER stamp BEFORE UPDATE ON cases FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION stamp_change();

REVOKE UPDATE, DELETE ON upstream_consents FROM shouwang_api;
ALTER TABLE upstream_consents ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_residents ON upstream_consents TO shouwang_api
    USING (current_setting('shouwang.role', true) NOT IN ('family', 'helper')
           AND (SELECT true FROM residents AS r WHERE r.resident_id = upstream_consents.resident_id));

-- A platform's log-in reads what an export is made of and nothing else of its area: no telephone numbers of kin, no signals, no notices, no learned habits.
DO $$
DECLARE other text;
BEGIN
    FOR other IN SELECT relname FROM pg_class
                  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relrowsecurity
                    AND relname NOT IN ('homes', 'residents', 'visits', 'cases', 'helpers', 'upstream_consents') LOOP
        EXECUTE format('CREATE POLICY no_platform ON %I AS RESTRICTIVE FOR SELECT TO shouwang_api
                            USING (current_setting(''shouwang.role'', true) IS DISTINCT FROM ''platform'')', other);
    END LOOP;
END $$;
