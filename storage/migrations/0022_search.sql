-- What a desk may look for a resident by, in one row of one table: row security on the people's own tables lets no index serve a search, because it may not
-- tell a row's words to an operator that could repeat them. Read by one function, which has the scope's area inside.
CREATE TABLE resident_words (
    resident_id text PRIMARY KEY REFERENCES residents ON DELETE CASCADE,
    area_code   text NOT NULL,
    words       text NOT NULL                                     -- name, ids, telephone, address; lower case, a line each
);

CREATE FUNCTION write_resident_words(of_home text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    INSERT INTO resident_words (resident_id, area_code, words)
    SELECT r.resident_id, h.area_code, lower(concat_ws(E'\n', r.name, r.resident_id, r.home_id, r.phone, h.address))
      FROM residents AS r JOIN homes AS h USING (home_id) WHERE r.home_id = of_home AND h.removed_at IS NULL
        ON CONFLICT (resident_id) DO UPDATE SET area_code = EXCLUDED.area_code, words = EXCLUDED.words;
    DELETE FROM resident_words AS w USING residents AS r, homes AS h
     WHERE r.home_id = of_home AND h.home_id = of_home AND h.removed_at IS NOT NULL AND w.resident_id = r.resident_id;
    $$;
REVOKE ALL ON FUNCTION write_resident_words(text) FROM PUBLIC;

CREATE FUNCTION keep_resident_words() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ BEGIN PERFORM write_resident_words(NEW.home_id); RETURN NULL; END $$;
CREATE TRIGGER words AFTER INSERT OR UPDATE ON residents FOR EACH ROW EXECUTE FUNCTION keep_resident_words();
CREATE TRIGGER words AFTER UPDATE OF address, area_code, removed_at ON homes FOR EACH ROW EXECUTE FUNCTION keep_resident_words();

INSERT INTO resident_words (resident_id, area_code, words)
SELECT r.resident_id, h.area_code, lower(concat_ws(E'\n', r.name, r.resident_id, r.home_id, r.phone, h.address))
  FROM residents AS r JOIN homes AS h USING (home_id) WHERE h.removed_at IS NULL;

-- Residents of the scope's area in whose words these stand, in order of their id. Without an index: 278,900 rows are read in some 80 ms, and
-- one for parts of words would cost more at each registration than it saves here.
CREATE FUNCTION residents_found(looked_for text, behind text, most integer) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT resident_id FROM resident_words
     WHERE resident_id > behind AND strpos(words, looked_for) > 0
       AND area_code ~>=~ current_setting('shouwang.area_from', true) AND area_code ~<~ current_setting('shouwang.area_to', true)
     ORDER BY resident_id LIMIT most
    $$;
REVOKE ALL ON FUNCTION residents_found(text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION residents_found(text, text, integer) TO shouwang_api;
REVOKE ALL ON resident_words FROM shouwang_api;

-- Devices that were heard from and that nobody registered: a few among a city's.
CREATE INDEX devices_unbound ON devices (last_seen_at DESC) WHERE NOT bound;
