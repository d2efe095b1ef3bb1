-- name: paper_cases
-- Open cases of an area in queue order, each with all that somebody needs who has nothing but this sheet.
SELECT c.case_id, c.home_id, c.area_code, c.family, c.priority, c.handling, c.raised_at, c.deadline_at, c.desk_id, h.address, h.care_level, h.note, h.key_at, h.pets,
       coalesce((SELECT jsonb_agg(jsonb_build_object('resident_id', r.resident_id, 'name', r.name, 'birth_year', r.birth_year, 'phone', r.phone, 'note', r.note,
                                                     'conditions', r.conditions, 'mobility', r.mobility, 'dialect', r.dialect, 'oxygen', r.oxygen)
                                  ORDER BY r.resident_id <> c.resident_id, r.resident_id) FROM residents AS r WHERE r.home_id = c.home_id), '[]') AS residents,
       coalesce((SELECT jsonb_agg(jsonb_build_object('contact_id', k.contact_id, 'rank', k.rank, 'name', k.name, 'relation', k.relation, 'phone', k.phone) ORDER BY k.rank, k.contact_id)
                   FROM contacts AS k WHERE k.home_id = c.home_id), '[]') AS contacts,
       coalesce((SELECT jsonb_agg(t.number ORDER BY t.rang_at) FROM telephone_calls AS t WHERE t.case_id = c.case_id AND t.number <> ''), '[]') AS calls
  FROM cases AS c LEFT JOIN homes AS h USING (home_id)
 WHERE c.handling NOT IN ('RESOLVED', 'CLOSED', 'MERGED', 'TEST') AND (c.area_code = '' OR starts_with(c.area_code, %(area_prefix)s))
 ORDER BY c.priority, (c.former_desk_id IS NULL OR c.handling <> 'QUEUED'), coalesce(c.deadline_at, c.raised_at), c.raised_at, c.case_id
 LIMIT %(most)s OFFSET %(skip)s;

-- name: paper_homes
-- Homes in which somebody lives, with whom to ring up, a page behind the last home of the one before.
-- CASE hides the prefix from the planner, as in api_residents.
SELECT h.home_id, h.area_code, h.address, h.care_level, h.note, h.key_at, h.pets,
       (SELECT jsonb_agg(jsonb_build_object('resident_id', r.resident_id, 'name', r.name, 'birth_year', r.birth_year, 'phone', r.phone, 'note', r.note,
                                                     'conditions', r.conditions, 'mobility', r.mobility, 'dialect', r.dialect, 'oxygen', r.oxygen) ORDER BY r.resident_id)
          FROM residents AS r WHERE r.home_id = h.home_id) AS residents,
       coalesce((SELECT jsonb_agg(jsonb_build_object('contact_id', k.contact_id, 'rank', k.rank, 'name', k.name, 'relation', k.relation, 'phone', k.phone) ORDER BY k.rank, k.contact_id)
                   FROM contacts AS k WHERE k.home_id = h.home_id), '[]') AS contacts
  FROM homes AS h
 WHERE CASE WHEN starts_with(h.area_code, %(area_prefix)s) THEN true END AND h.removed_at IS NULL AND h.home_id > %(after)s
   AND EXISTS (SELECT FROM residents AS r WHERE r.home_id = h.home_id)
 ORDER BY h.home_id
 LIMIT %(most)s;
