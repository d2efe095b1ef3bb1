-- name: facts_for_cards
-- What the cards of these homes say, with the cards as they stand.
SELECT h.home_id, h.zone, h.area_code, h.care_level, extract(epoch FROM h.away_until)::double precision AS away_until_s,
       extract(epoch FROM h.visitor_until)::double precision AS visitor_until_s, h.removed_at IS NOT NULL AS removed,
       (SELECT array_agg(r.resident_id ORDER BY r.resident_id) FROM residents AS r WHERE r.home_id = h.home_id) AS residents,
       d.device_ids, d.device_roles, d.device_rooms, d.device_residents, d.device_worn,
       l.days AS learned_days, l.silence_min, l.evidence->'places' AS learned_places, u.usual_names, u.usual_values, c.version, c.card
  FROM homes AS h
  LEFT JOIN learned_silences AS l USING (home_id)
  LEFT JOIN home_cards AS c USING (home_id)
 CROSS JOIN LATERAL (SELECT array_agg(v.device_id ORDER BY v.device_id) AS device_ids, array_agg(v.role ORDER BY v.device_id) AS device_roles,
                            array_agg(v.room ORDER BY v.device_id) AS device_rooms,
                            array_agg(coalesce(v.resident_id, '') ORDER BY v.device_id) AS device_residents,
                            array_agg(v.worn ORDER BY v.device_id) AS device_worn
                       FROM devices AS v
                      WHERE v.home_id = h.home_id AND v.bound) AS d
 CROSS JOIN LATERAL (SELECT array_agg(u.name || CASE WHEN u.resident_id = '' THEN '' ELSE '@' || u.resident_id END ORDER BY u.resident_id, u.name) AS usual_names,
                            array_agg(u.value ORDER BY u.resident_id, u.name) AS usual_values
                       FROM learned_usual AS u
                      WHERE u.home_id = h.home_id) AS u
 WHERE h.home_id = ANY(%(home_ids)s::text[])
 ORDER BY h.home_id;

-- name: put_cards
-- New versions of home cards; the keeper finds them and puts them into the log.
INSERT INTO home_cards AS c (home_id, version, card)
SELECT home_id, version, card FROM unnest(%(home_ids)s::text[], %(versions)s::integer[], %(cards)s::bytea[]) AS given (home_id, version, card)
 ORDER BY home_id
    ON CONFLICT (home_id) DO UPDATE
   SET version = excluded.version, card = excluded.card, changed_at = now()
 WHERE c.version < excluded.version;

-- name: cards_to_publish
-- Cards that are not in the log yet.
SELECT home_id, version, card FROM home_cards WHERE published_version < version ORDER BY home_id LIMIT %(at_most)s;

-- name: cards_published
-- These versions are in the log.
UPDATE home_cards AS c SET published_version = greatest(c.published_version, p.version)
  FROM unnest(%(home_ids)s::text[], %(versions)s::integer[]) AS p (home_id, version)
 WHERE c.home_id = p.home_id;

-- name: publish_all_cards_again
-- Put every card into the log once more (the log was emptied).
UPDATE home_cards SET published_version = 0 WHERE published_version > 0;

-- name: put_learned
-- What the learner found about a home's usual silences.
INSERT INTO learned_silences (home_id, learned_at, days, silence_min, evidence)
VALUES (%(home_id)s, %(learned_at)s, %(days)s, %(silence_min)s, %(evidence)s)
    ON CONFLICT (home_id) DO UPDATE
   SET learned_at = excluded.learned_at, days = excluded.days, silence_min = excluded.silence_min, evidence = excluded.evidence;
