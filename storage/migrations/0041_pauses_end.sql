-- A pause of somebody who is told has an end, as everything that is silent here; and the api may ask whether a step of the ladder reaches anybody now.
ALTER TABLE recipients ADD COLUMN paused_until_at timestamptz;         -- told again from then on, also where enabled says false
-- Who was paused before this goes on being paused for the longest that a pause may last.
UPDATE recipients SET paused_until_at = now() + interval '7 days' WHERE NOT enabled;
ALTER TABLE recipients ADD CONSTRAINT recipients_pause_ends CHECK (enabled OR paused_until_at IS NOT NULL);
GRANT SELECT (paused_until_at), UPDATE (paused_until_at) ON recipients TO shouwang_api;

-- Kinds of recipients that hear of a home somewhere in an area now; `everywhere`: of each home there. It sees those of wider areas too, which a
-- supervisor does not; it says kinds only. (alerts.notices.concerns decides; a test compares. Kin are each home's own.)
CREATE FUNCTION kinds_told(area text, asked_priority integer, at timestamptz) RETURNS TABLE (kind text, everywhere boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT r.kind, bool_or(starts_with(area, r.area_prefix))
      FROM recipients AS r
     WHERE r.kind <> 'kin' AND asked_priority <= r.lowest_priority AND (r.enabled OR r.paused_until_at <= at)
       AND (starts_with(area, r.area_prefix) OR starts_with(r.area_prefix, area))
       AND (NOT EXISTS (SELECT FROM rota AS d WHERE d.recipient_id = r.recipient_id)
            OR EXISTS (SELECT FROM rota AS d WHERE d.recipient_id = r.recipient_id AND d.weekday = extract(isodow FROM at AT TIME ZONE d.zone)
                          AND extract(hour FROM at AT TIME ZONE d.zone) * 60 + extract(minute FROM at AT TIME ZONE d.zone) >= d.from_minute
                          AND extract(hour FROM at AT TIME ZONE d.zone) * 60 + extract(minute FROM at AT TIME ZONE d.zone) < d.to_minute))
     GROUP BY r.kind
    $$;
REVOKE ALL ON FUNCTION kinds_told(text, integer, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kinds_told(text, integer, timestamptz) TO shouwang_api;
