-- name: lock_coverage
-- One of the twins keeps coverage at a time; the other finds nothing to do.
SELECT pg_try_advisory_xact_lock(1397573636, 15) AS mine;

-- name: take_coverage_due
-- Homes that something changed for, with all that was due for each (an import registers a home, its people and devices one by one). Their facts are read after this.
DELETE FROM coverage_due WHERE home_id IN (SELECT home_id FROM coverage_due ORDER BY due_id LIMIT %(most)s) RETURNING home_id;

-- name: coverage_facts
-- What a home's coverage follows from, one row a device (none: one row without).
SELECT h.home_id, h.area_code, h.care_level, r.residents, r.oldest_year,
       d.device_id, d.role, d.room, d.bound, d.source, d.last_seen_at IS NOT NULL AS heard, d.last_seen_at,
       CASE WHEN s."on" THEN s.started_at END AS silent_since
  FROM homes AS h
  CROSS JOIN LATERAL (SELECT count(*)::integer AS residents, coalesce(min(birth_year), 9999)::integer AS oldest_year FROM residents WHERE home_id = h.home_id) AS r
  LEFT JOIN devices AS d ON d.home_id = h.home_id
  LEFT JOIN device_silences AS s ON s.home_id = d.home_id AND s.device_id = d.device_id
 WHERE h.home_id = ANY(%(home_ids)s) AND h.removed_at IS NULL
 ORDER BY h.home_id, d.device_id;

-- name: coverage_of_homes
-- Coverage of these homes as it is kept.
SELECT home_id, area_code, source, partition, residents, care_level, oldest_year, state, cannot_see_since, reasons, changed_at
  FROM home_coverage WHERE home_id = ANY(%(home_ids)s);

-- name: put_coverage
-- Keep a home's coverage.
INSERT INTO home_coverage (home_id, area_code, source, partition, residents, care_level, oldest_year, state, cannot_see_since, reasons, changed_at)
VALUES (%(home_id)s, %(area_code)s, %(source)s, %(partition)s, %(residents)s, %(care_level)s, %(oldest_year)s, %(state)s, %(cannot_see_since)s, %(reasons)s, %(changed_at)s)
ON CONFLICT (home_id) DO UPDATE
   SET area_code = EXCLUDED.area_code, source = EXCLUDED.source, partition = EXCLUDED.partition, residents = EXCLUDED.residents,
       care_level = EXCLUDED.care_level, oldest_year = EXCLUDED.oldest_year, state = EXCLUDED.state,
       cannot_see_since = EXCLUDED.cannot_see_since, reasons = EXCLUDED.reasons, changed_at = EXCLUDED.changed_at;

-- name: drop_coverage
-- A home is not watched any more.
DELETE FROM home_coverage WHERE home_id = %(home_id)s;

-- name: put_coverage_change
-- How a home was seen from now on.
INSERT INTO coverage_changes (home_id, at, state, cannot_see_since, reasons) VALUES (%(home_id)s, %(at)s, %(state)s, %(cannot_see_since)s, %(reasons)s)
ON CONFLICT (home_id, at) DO UPDATE SET state = EXCLUDED.state, cannot_see_since = EXCLUDED.cannot_see_since, reasons = EXCLUDED.reasons;

-- name: count_coverage
-- Homes that came (or, below zero, went) in an area, place and state.
INSERT INTO coverage_counts AS c (area_code, source, partition, state, homes, residents)
VALUES (%(area_code)s, %(source)s, %(partition)s, %(state)s, %(homes)s, %(residents)s)
ON CONFLICT (area_code, source, partition, state) DO UPDATE SET homes = c.homes + EXCLUDED.homes, residents = c.residents + EXCLUDED.residents;

-- name: place_rows
-- How far the stream is at each place whose clock runs on.
SELECT stream_group, lane, partition, source, clock, watched_until_at, moved_at
  FROM pipeline
 WHERE clock <> 'recorded' AND source <> '' AND moved_at > %(since)s;

-- name: end_place_outages
-- Places that move again.
UPDATE place_outages SET to_at = %(now)s
 WHERE to_at IS NULL AND (source, partition) NOT IN (SELECT * FROM unnest(%(sources)s::text[], %(partitions)s::integer[]));

-- name: begin_place_outages
-- Places that stand and of which that was not known.
INSERT INTO place_outages (source, partition, from_at)
SELECT t.source, t.partition, t.from_at
  FROM unnest(%(sources)s::text[], %(partitions)s::integer[], %(froms)s::timestamptz[]) AS t (source, partition, from_at)
 WHERE NOT EXISTS (SELECT FROM place_outages AS o WHERE o.source = t.source AND o.partition = t.partition AND o.to_at IS NULL)
ON CONFLICT (source, partition, from_at) DO UPDATE SET to_at = NULL;

-- name: coverage_counts_of_area
-- Homes by the next level below an area, place and state.
SELECT left(area_code, %(digits)s) AS area, source, partition, state, sum(homes)::integer AS homes, sum(residents)::integer AS residents
  FROM coverage_counts
 WHERE starts_with(area_code, %(area_prefix)s) AND homes > 0
 GROUP BY 1, 2, 3, 4;

-- name: coverage_list
-- Homes that are not protected, frailest first, a page at a time: those whose devices say so, and those of places that stand.
SELECT * FROM (
    (SELECT c.*, h.address, true AS by_devices FROM home_coverage AS c JOIN homes AS h USING (home_id)
      WHERE c.state <> 'protected' AND (c.state = ANY(%(states)s) OR (c.source, c.partition) IN (SELECT * FROM unnest(%(sources)s::text[], %(partitions)s::integer[])))
        AND starts_with(c.area_code, %(area_prefix)s)
        AND (-c.care_level, c.oldest_year, c.home_id) > (-%(care_level)s::integer, %(oldest_year)s::integer, %(after)s::text)
      ORDER BY c.care_level DESC, c.oldest_year, c.home_id LIMIT %(most)s)
    UNION ALL
    (SELECT c.*, h.address, false FROM home_coverage AS c JOIN homes AS h USING (home_id)
      WHERE c.state = 'protected' AND cardinality(%(sources)s::text[]) > 0
        AND (c.source, c.partition) IN (SELECT * FROM unnest(%(sources)s::text[], %(partitions)s::integer[]))
        AND starts_with(c.area_code, %(area_prefix)s)
        AND (-c.care_level, c.oldest_year, c.home_id) > (-%(care_level)s::integer, %(oldest_year)s::integer, %(after)s::text)
      ORDER BY c.care_level DESC, c.oldest_year, c.home_id LIMIT %(most)s)
) AS both_kinds
 ORDER BY care_level DESC, oldest_year, home_id
 LIMIT %(most)s;

-- name: residents_of_homes
-- Who lives in these homes.
SELECT home_id, resident_id, name, birth_year, phone FROM residents WHERE home_id = ANY(%(home_ids)s) ORDER BY home_id, birth_year NULLS LAST, resident_id;

-- name: coverage_history
-- How a home was seen since an instant, newest first, with the change before it; the standstills of its place stand apart.
(SELECT at, state, cannot_see_since, reasons FROM coverage_changes WHERE home_id = %(home_id)s AND at > %(since)s ORDER BY at DESC LIMIT %(most)s)
UNION ALL
(SELECT at, state, cannot_see_since, reasons FROM coverage_changes WHERE home_id = %(home_id)s AND at <= %(since)s ORDER BY at DESC LIMIT 1)
ORDER BY at DESC;

-- name: outages_of_home
-- Standstills of the home's place since an instant.
SELECT o.from_at, o.to_at FROM place_outages AS o JOIN home_coverage AS c USING (source, partition)
 WHERE c.home_id = %(home_id)s AND (o.to_at IS NULL OR o.to_at > %(since)s)
 ORDER BY o.from_at DESC;
