-- The telephone: whose a number is, who rang, who took it and what came of it, and what a desk had dialled.

-- A number in whichever way it was written: its digits, without the country's code (+86, 0086) and without the noughts of long distance.
CREATE FUNCTION number_key(phone text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN regexp_replace(regexp_replace(phone, '\D', '', 'g'), '^(0086|86(?=\d{10,}$))?0*', '');
CREATE INDEX residents_by_number ON residents (number_key(phone)) WHERE phone <> '';
CREATE INDEX contacts_by_number ON contacts (number_key(phone));

-- Residents and contacts of the scope's area who have this number. Row security lets no index serve such a question, so the area stands inside (as residents_found).
CREATE FUNCTION people_of_number(asked text, most integer)
    RETURNS TABLE (home_id text, resident_id text, name text, relation text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT p.home_id, p.resident_id, p.name, p.relation
      FROM (SELECT r.home_id, r.resident_id, r.name, '' AS relation, -1 AS rank
              FROM residents AS r WHERE r.phone <> '' AND number_key(r.phone) = number_key(asked)
             UNION ALL
            SELECT c.home_id, NULL, c.name, c.relation, c.rank FROM contacts AS c WHERE number_key(c.phone) = number_key(asked)) AS p
      JOIN homes AS h ON h.home_id = p.home_id
     WHERE number_key(asked) <> '' AND h.removed_at IS NULL AND current_setting('shouwang.role', true) IN ('operator', 'supervisor')
       AND h.area_code ~>=~ current_setting('shouwang.area_from', true) AND h.area_code ~<~ current_setting('shouwang.area_to', true)
     ORDER BY p.rank, p.home_id, p.name LIMIT most
    $$;
REVOKE ALL ON FUNCTION people_of_number(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION people_of_number(text, integer) TO shouwang_api;

-- Calls that rang (as a telephone system says) and calls from which somebody opened a case by hand. The number stands here alone: cases, events and queues name none.
CREATE TABLE telephone_calls (
    call_id     text PRIMARY KEY,
    area_prefix text NOT NULL,                                    -- whose call it is: the desk's, or of who opened the case by hand
    number      text NOT NULL,                                    -- as it was given; '': withheld
    seat        text,                                             -- desk at which it rings; null: in the queue, or by hand
    home_id     text,                                             -- whose number it was then, where one home alone has it
    resident_id text,
    rang_at     timestamptz NOT NULL,
    due_at      timestamptz,                                      -- nobody took it by then: a case by itself. null: by hand
    answered_at timestamptz,                                      -- somebody picked up, as the telephone system says
    ended_at    timestamptz,
    taken_by    text,                                             -- who opened the case, or put the call aside
    taken_at    timestamptz,
    note        text NOT NULL DEFAULT '',                         -- why it was put aside
    case_id     text REFERENCES cases ON DELETE CASCADE
);
CREATE INDEX telephone_calls_due ON telephone_calls (due_at) WHERE case_id IS NULL AND taken_by IS NULL AND answered_at IS NULL AND due_at IS NOT NULL;
CREATE INDEX telephone_calls_ringing ON telephone_calls (rang_at) WHERE taken_by IS NULL AND due_at IS NOT NULL;
CREATE INDEX telephone_calls_by_case ON telephone_calls (case_id) WHERE case_id IS NOT NULL;

-- What a desk had its telephone system dial.
CREATE TABLE telephone_dials (
    dial_id   text PRIMARY KEY,
    case_id   text NOT NULL REFERENCES cases ON DELETE CASCADE,
    number    text NOT NULL,
    asked_by  text NOT NULL,
    asked_at  timestamptz NOT NULL,
    result    text CHECK (result IN ('answered', 'busy', 'no_answer', 'failed')),
    result_at timestamptz
);
CREATE INDEX telephone_dials_by_case ON telephone_dials (case_id, asked_at);

ALTER TABLE telephone_calls ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_area ON telephone_calls TO shouwang_api
    USING (current_setting('shouwang.role', true) IN ('operator', 'supervisor') AND area_holds(area_prefix));
-- Whoever sees a case knows who rang about it.
CREATE POLICY of_cases ON telephone_calls FOR SELECT TO shouwang_api
    USING (current_setting('shouwang.role', true) IN ('operator', 'supervisor') AND case_id IS NOT NULL
           AND (SELECT true FROM cases AS c WHERE c.case_id = telephone_calls.case_id));
CREATE POLICY no_platform ON telephone_calls AS RESTRICTIVE FOR SELECT TO shouwang_api
    USING (current_setting('shouwang.role', true) IS DISTINCT FROM 'platform');
ALTER TABLE telephone_dials ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_cases ON telephone_dials TO shouwang_api
    USING (current_setting('shouwang.role', true) IN ('operator', 'supervisor')
           AND (SELECT true FROM cases AS c WHERE c.case_id = telephone_dials.case_id));
CREATE POLICY no_platform ON telephone_dials AS RESTRICTIVE FOR SELECT TO shouwang_api
    USING (current_setting('shouwang.role', true) IS DISTINCT FROM 'platform');
REVOKE DELETE ON telephone_calls, telephone_dials FROM shouwang_api;

-- Cases as a report counts them: as in 0028, and which of them a call began. One that was opened while somebody was on the telephone was nobody's to wait for.
CREATE OR REPLACE VIEW report_cases WITH (security_invoker = true) AS
SELECT case_id, home_id, area_code, family, priority, detector, device_id, outcome, raised_at, first_queued_at, claimed_at, arrived_at,
       CASE WHEN handling <> 'MERGED' OR claimed_at IS NOT NULL THEN least(first_queued_at, claimed_at) END AS desk_at,
       family <> 'technical' AND first_queued_at IS NOT NULL AND (claimed_at >= first_queued_at
           OR claimed_at IS NULL AND handling NOT IN ('CLOSED', 'MERGED', 'RESOLVED'))
           AND NOT (detector = 'telephone' AND claimed_at IS NOT DISTINCT FROM raised_at) AS owed,
       coalesce(resolved_at, closed_at) AS ended_at,
       detector = 'telephone' AS by_call
  FROM cases
 WHERE NOT test AND handling <> 'TEST' AND outcome IS DISTINCT FROM 'test';

-- Search: also by the last digits of a resident's or a contact's number (an index each, read backwards), beside the words of 0022. The home is asked by its key, once for
-- each of the few rows: a join would read all homes.
CREATE INDEX residents_by_number_end ON residents (reverse(number_key(phone)) text_pattern_ops) WHERE phone <> '';
CREATE INDEX contacts_by_number_end ON contacts (reverse(number_key(phone)) text_pattern_ops);
CREATE FUNCTION residents_by_number_end(digits text, behind text, most integer) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT resident_id FROM (
        SELECT r.resident_id, r.home_id FROM residents AS r
         WHERE r.phone <> '' AND reverse(number_key(r.phone)) ~>=~ reverse(digits) AND reverse(number_key(r.phone)) ~<~ (reverse(digits) || ':')
         UNION
        SELECT r.resident_id, r.home_id FROM contacts AS c CROSS JOIN LATERAL (SELECT o.resident_id, o.home_id FROM residents AS o WHERE o.home_id = c.home_id OFFSET 0) AS r
         WHERE reverse(number_key(c.phone)) ~>=~ reverse(digits) AND reverse(number_key(c.phone)) ~<~ (reverse(digits) || ':')) AS found
     WHERE resident_id > behind
       AND (SELECT h.removed_at IS NULL AND h.area_code ~>=~ current_setting('shouwang.area_from', true) AND h.area_code ~<~ current_setting('shouwang.area_to', true)
              FROM homes AS h WHERE h.home_id = found.home_id)
     ORDER BY resident_id LIMIT most
    $$;
REVOKE ALL ON FUNCTION residents_by_number_end(text, text, integer) FROM PUBLIC;

CREATE FUNCTION residents_by_words(looked_for text, behind text, most integer) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT resident_id FROM resident_words
     WHERE resident_id > behind AND strpos(words, looked_for) > 0
       AND area_code ~>=~ current_setting('shouwang.area_from', true) AND area_code ~<~ current_setting('shouwang.area_to', true)
     ORDER BY resident_id LIMIT most
    $$;
REVOKE ALL ON FUNCTION residents_by_words(text, text, integer) FROM PUBLIC;

-- Ten digits and more are a whole telephone number and are looked for as one alone, in its one form; four to nine may be a part of one, of an id or of an address.
CREATE OR REPLACE FUNCTION residents_found(looked_for text, behind text, most integer) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    DECLARE digits text := CASE WHEN looked_for ~ '^[-+ ().0-9]+$' THEN regexp_replace(looked_for, '\D', '', 'g') ELSE '' END;
    BEGIN
        IF length(digits) >= 10 THEN
            RETURN QUERY SELECT residents_by_number_end(number_key(digits), behind, most);
        ELSIF length(digits) >= 4 THEN
            RETURN QUERY SELECT f FROM (SELECT residents_by_number_end(digits, behind, most) UNION SELECT residents_by_words(looked_for, behind, most)) AS u (f) ORDER BY f LIMIT most;
        ELSE
            RETURN QUERY SELECT residents_by_words(looked_for, behind, most);
        END IF;
    END $$;
