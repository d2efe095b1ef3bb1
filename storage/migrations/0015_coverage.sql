-- How well each home is watched, since when and why, kept as it changes; from what the stream says of silent devices, not from the writer's accounts.

-- The newest word of the stream about each device that was ever silent. The accounts (devices.last_seen_at) come minutes late for a city.
CREATE TABLE device_silences (
    home_id      text NOT NULL,
    device_id    text NOT NULL,
    detection_id text NOT NULL,
    revision     integer NOT NULL,
    "on"         boolean NOT NULL,
    started_at   timestamptz NOT NULL,                            -- last heard, or when its last will was spoken; its source's clock
    read_at      timestamptz NOT NULL,
    PRIMARY KEY (home_id, device_id)
);

CREATE TABLE home_coverage (
    home_id     text PRIMARY KEY,
    area_code   text NOT NULL,
    source      text NOT NULL,                                    -- bridge of its newest device; '' = never heard
    partition   integer NOT NULL,
    residents   smallint NOT NULL,
    care_level  smallint NOT NULL,
    oldest_year smallint NOT NULL,                                -- of birth; 9999: unknown. With care_level: frailest first
    state       text NOT NULL CHECK (state IN ('protected', 'degraded', 'blind')),
    cannot_see_since timestamptz,                                 -- blind: the last word of what shows life, its source's clock
    reasons     jsonb NOT NULL,                                   -- [{key, device_id, role, room}]
    changed_at  timestamptz NOT NULL                              -- since when the state is so, wall clock
);
CREATE INDEX home_coverage_frailest ON home_coverage (care_level DESC, oldest_year, home_id);
CREATE INDEX home_coverage_not_protected ON home_coverage (care_level DESC, oldest_year, home_id) WHERE state <> 'protected';

-- Each change, so that a report can say how long somebody was not seen.
CREATE TABLE coverage_changes (
    home_id          text NOT NULL,
    at               timestamptz NOT NULL,                        -- wall clock
    state            text NOT NULL,
    cannot_see_since timestamptz,
    reasons          jsonb NOT NULL,
    PRIMARY KEY (home_id, at)
);

-- The pipeline's own standstill blinds everyone of a place at once: one row here instead of one for each home.
CREATE TABLE place_outages (
    source    text NOT NULL,
    partition integer NOT NULL,
    from_at   timestamptz NOT NULL,                               -- wall clock, as to_at
    to_at     timestamptz,
    PRIMARY KEY (source, partition, from_at)
);
CREATE INDEX place_outages_now ON place_outages (source, partition) WHERE to_at IS NULL;

-- Kept beside home_coverage, so that no page counts a city's homes.
CREATE TABLE coverage_counts (
    area_code text NOT NULL,
    source    text NOT NULL,
    partition integer NOT NULL,
    state     text NOT NULL,
    homes     integer NOT NULL,
    residents integer NOT NULL,
    PRIMARY KEY (area_code, source, partition, state)
);
CREATE INDEX coverage_counts_by_area ON coverage_counts (area_code text_pattern_ops);

-- Homes to look at again. A queue and not a set: a row is seen only together with what it was written for, and nobody waits for it.
CREATE TABLE coverage_due (
    due_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    home_id text NOT NULL
);
CREATE INDEX coverage_due_by_home ON coverage_due (home_id);

-- They run as the owner, with a search path of their own: whoever changes a device need not see the queue, and a restore has no search path.
CREATE FUNCTION keep_silence() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO public.device_silences AS s (home_id, device_id, detection_id, revision, "on", started_at, read_at)
    VALUES (NEW.home_id, NEW.body->>'device_id', NEW.detection_id, NEW.revision, NEW."on" AND NOT NEW.withdrawn, NEW.started_at, NEW.read_at)
    ON CONFLICT (home_id, device_id) DO UPDATE
       SET detection_id = EXCLUDED.detection_id, revision = EXCLUDED.revision, "on" = EXCLUDED."on", started_at = EXCLUDED.started_at, read_at = EXCLUDED.read_at
     WHERE EXCLUDED.read_at >= s.read_at AND (EXCLUDED.detection_id <> s.detection_id OR EXCLUDED.revision > s.revision);
    INSERT INTO public.coverage_due (home_id) VALUES (NEW.home_id);
    RETURN NULL;
END $$;
CREATE TRIGGER detections_of_silence AFTER INSERT ON detections FOR EACH ROW
    WHEN (NEW.detector = 'device_silent' AND NOT NEW.test AND NEW.body->>'device_id' IS NOT NULL) EXECUTE FUNCTION keep_silence();

CREATE FUNCTION mark_coverage() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO public.coverage_due (home_id) VALUES (NEW.home_id);
    END IF;
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND OLD.home_id <> NEW.home_id) THEN
        INSERT INTO public.coverage_due (home_id) VALUES (OLD.home_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER devices_come_or_go AFTER INSERT OR DELETE ON devices FOR EACH ROW EXECUTE FUNCTION mark_coverage();
-- The writer moves last_seen_at all the time; only that a device was heard at all matters here.
CREATE TRIGGER devices_changed AFTER UPDATE ON devices FOR EACH ROW
    WHEN ((OLD.role, OLD.room, OLD.bound, OLD.source, OLD.last_seen_at IS NULL) IS DISTINCT FROM (NEW.role, NEW.room, NEW.bound, NEW.source, NEW.last_seen_at IS NULL))
    EXECUTE FUNCTION mark_coverage();
CREATE TRIGGER residents_changed AFTER INSERT OR UPDATE OR DELETE ON residents FOR EACH ROW EXECUTE FUNCTION mark_coverage();
CREATE TRIGGER homes_come_or_go AFTER INSERT OR DELETE ON homes FOR EACH ROW EXECUTE FUNCTION mark_coverage();
CREATE TRIGGER homes_changed AFTER UPDATE ON homes FOR EACH ROW
    WHEN ((OLD.area_code, OLD.care_level, OLD.removed_at) IS DISTINCT FROM (NEW.area_code, NEW.care_level, NEW.removed_at)) EXECUTE FUNCTION mark_coverage();

-- Seen with the home, as all that belongs to one; counts by their area. For every role but the owner of the tables.
ALTER TABLE device_silences ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_homes ON device_silences USING ((SELECT true FROM homes AS h WHERE h.home_id = device_silences.home_id));
ALTER TABLE home_coverage ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_homes ON home_coverage USING ((SELECT true FROM homes AS h WHERE h.home_id = home_coverage.home_id));
ALTER TABLE coverage_changes ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_homes ON coverage_changes USING ((SELECT true FROM homes AS h WHERE h.home_id = coverage_changes.home_id));
ALTER TABLE coverage_due ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_homes ON coverage_due USING ((SELECT true FROM homes AS h WHERE h.home_id = coverage_due.home_id));
ALTER TABLE coverage_counts ENABLE ROW LEVEL SECURITY;
CREATE POLICY within_area ON coverage_counts
    USING (area_code ~>=~ current_setting('shouwang.area_from', true) AND area_code ~<~ current_setting('shouwang.area_to', true));

INSERT INTO device_silences (home_id, device_id, detection_id, revision, "on", started_at, read_at)
SELECT DISTINCT ON (home_id, body->>'device_id') home_id, body->>'device_id', detection_id, revision, "on" AND NOT withdrawn, started_at, read_at
  FROM detections
 WHERE detector = 'device_silent' AND NOT test AND body->>'device_id' IS NOT NULL
 ORDER BY home_id, body->>'device_id', read_at DESC, revision DESC;
INSERT INTO coverage_due (home_id) SELECT home_id FROM homes;
