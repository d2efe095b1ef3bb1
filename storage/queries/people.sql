-- name: lock_homes
-- Hold these homes while their records and card change: two changes of one home then follow each other.
SELECT home_id FROM homes WHERE home_id = ANY(%(home_ids)s::text[]) ORDER BY home_id FOR UPDATE;

-- name: put_homes
-- Register homes, or set right what is registered; a removed home comes back.
INSERT INTO homes AS h (home_id, area_code, address, zone, care_level, note, site_id, key_at, pets)
SELECT home_id, area_code, address, zone, care_level, note, nullif(site_id, ''), key_at, pets
  FROM unnest(%(home_ids)s::text[], %(area_codes)s::text[], %(addresses)s::text[], %(zones)s::text[], %(care_levels)s::smallint[], %(notes)s::text[],
              %(site_ids)s::text[], %(keys_at)s::text[], %(pets)s::text[])
       AS given (home_id, area_code, address, zone, care_level, note, site_id, key_at, pets)
 ORDER BY home_id
    ON CONFLICT (home_id) DO UPDATE
   SET area_code = excluded.area_code, address = excluded.address, zone = excluded.zone, care_level = excluded.care_level,
       note = excluded.note, site_id = coalesce(excluded.site_id, h.site_id),
       key_at = nullif(coalesce(excluded.key_at, h.key_at), ''), pets = nullif(coalesce(excluded.pets, h.pets), ''), removed_at = NULL;

-- name: put_residents
-- Register residents, or set right what is registered.
INSERT INTO residents AS r (resident_id, home_id, name, birth_year, sex, phone, note, conditions, mobility, dialect, oxygen)
SELECT resident_id, home_id, name, birth_year, sex, phone, note, conditions, nullif(mobility, ''), dialect, oxygen
  FROM unnest(%(resident_ids)s::text[], %(home_ids)s::text[], %(names)s::text[], %(birth_years)s::smallint[], %(sexes)s::text[], %(phones)s::text[],
              %(notes)s::text[], %(conditions)s::text[], %(mobilities)s::text[], %(dialects)s::text[], %(oxygens)s::boolean[])
       AS given (resident_id, home_id, name, birth_year, sex, phone, note, conditions, mobility, dialect, oxygen)
 ORDER BY resident_id
    ON CONFLICT (resident_id) DO UPDATE
   SET home_id = excluded.home_id, name = excluded.name, birth_year = excluded.birth_year, sex = excluded.sex, phone = excluded.phone,
       note = excluded.note, conditions = nullif(coalesce(excluded.conditions, r.conditions), ''), mobility = coalesce(excluded.mobility, r.mobility),
       dialect = nullif(coalesce(excluded.dialect, r.dialect), ''), oxygen = coalesce(excluded.oxygen, r.oxygen);

-- name: put_contacts
-- Register whom to call, in order; the same name and number again only changes rank and relation.
INSERT INTO contacts (home_id, rank, name, relation, phone)
SELECT home_id, rank, name, relation, phone
  FROM unnest(%(home_ids)s::text[], %(ranks)s::smallint[], %(names)s::text[], %(relations)s::text[], %(phones)s::text[])
       AS given (home_id, rank, name, relation, phone)
 ORDER BY home_id, name, phone
    ON CONFLICT (home_id, name, phone) DO UPDATE
   SET rank = excluded.rank, relation = excluded.relation;

-- name: put_devices
-- Register devices, or set right what is registered; one that was only heard from is bound by this.
INSERT INTO devices AS d (home_id, device_id, role, room, resident_id, worn, bound)
SELECT home_id, device_id, role, room, resident_id, worn, true
  FROM unnest(%(home_ids)s::text[], %(device_ids)s::text[], %(roles)s::text[], %(rooms)s::text[], %(resident_ids)s::text[], %(worn)s::text[])
       AS given (home_id, device_id, role, room, resident_id, worn)
 ORDER BY home_id, device_id
    ON CONFLICT (home_id, device_id) DO UPDATE
   SET role = excluded.role, room = excluded.room, resident_id = excluded.resident_id, worn = excluded.worn, bound = true;

-- name: unbind_device
-- A device no longer belongs to its home; what it still sends is kept and listed as unbound.
UPDATE devices SET bound = false, resident_id = NULL WHERE home_id = %(home_id)s AND device_id = %(device_id)s AND bound RETURNING device_id;

-- name: remove_home
-- A home is watched no longer; its past stays.
UPDATE homes SET removed_at = now() WHERE home_id = %(home_id)s AND removed_at IS NULL RETURNING home_id;

-- name: set_away
-- The residents said that they are away until then (null: they are back).
UPDATE homes SET away_until = %(away_until)s::timestamptz WHERE home_id = %(home_id)s AND removed_at IS NULL RETURNING home_id;

-- name: known_homes
-- Which of these homes are registered.
SELECT home_id, area_code FROM homes WHERE home_id = ANY(%(home_ids)s::text[]) AND removed_at IS NULL;

-- name: known_residents
-- Which of these residents are registered, and where.
SELECT resident_id, home_id FROM residents WHERE resident_id = ANY(%(resident_ids)s::text[]);

-- name: homes_list
-- Homes in an area with what is registered there and when they were last heard.
SELECT h.home_id, h.area_code, h.address, h.care_level, h.away_until,
       (SELECT array_agg(r.name ORDER BY r.resident_id) FROM residents AS r WHERE r.home_id = h.home_id) AS residents,
       (SELECT count(*) FROM contacts AS c WHERE c.home_id = h.home_id) AS contacts,
       d.devices, d.unbound, d.last_seen_at, coalesce(l.days, 0) AS learned_days
  FROM homes AS h
  LEFT JOIN learned_silences AS l USING (home_id)
 CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE v.bound) AS devices, count(*) FILTER (WHERE NOT v.bound) AS unbound, max(v.last_seen_at) AS last_seen_at
                       FROM devices AS v WHERE v.home_id = h.home_id) AS d
 WHERE starts_with(h.area_code, %(area_prefix)s) AND h.removed_at IS NULL
 ORDER BY h.home_id
 LIMIT %(at_most)s;

-- name: devices_list
-- Devices of homes whose id begins so, with their last sign; optionally only those that nobody registered.
SELECT d.home_id, d.device_id, d.role, d.room, d.resident_id, d.worn, d.bound, d.first_seen_at, d.last_seen_at, d.source,
       h.home_id IS NOT NULL AS home_known, a.account IS NOT NULL AS has_account
  FROM devices AS d
  LEFT JOIN homes AS h ON h.home_id = d.home_id AND h.removed_at IS NULL
  LEFT JOIN accounts AS a ON a.account = d.home_id || '.' || d.device_id AND a.revoked_at IS NULL
 WHERE starts_with(d.home_id, %(home_prefix)s) AND (NOT %(only_unbound)s::boolean OR NOT d.bound)
 ORDER BY d.home_id, d.device_id
 LIMIT %(at_most)s;

-- name: put_user
-- A person who may log in. No row back: the name is taken.
INSERT INTO users (user_name, role, display_name, language, password_hash, area_prefix)
VALUES (%(user_name)s, %(role)s, %(display_name)s, %(language)s, %(password_hash)s, %(area_prefix)s)
    ON CONFLICT (user_name) DO NOTHING
RETURNING user_name;

-- name: set_user_password
-- A new password; ends all of the user's sessions and a lock.
UPDATE users SET password_hash = %(password_hash)s, token_epoch = token_epoch + 1, failed_logins = 0, locked_until = NULL
 WHERE user_name = %(user_name)s
RETURNING user_name;

-- name: set_user_active
-- Let a user in or keep them out; keeping out ends their sessions.
UPDATE users SET active = %(active)s, token_epoch = token_epoch + 1 WHERE user_name = %(user_name)s RETURNING user_name;

-- name: link_family
-- A relative may see this resident's state.
INSERT INTO family_links (user_name, resident_id) VALUES (%(user_name)s, %(resident_id)s)
    ON CONFLICT (user_name, resident_id) DO UPDATE SET revoked_at = NULL;

-- name: unlink_family
-- A relative may no longer see this resident's state.
UPDATE family_links SET revoked_at = now() WHERE user_name = %(user_name)s AND resident_id = %(resident_id)s AND revoked_at IS NULL RETURNING user_name;

-- name: users_list
-- Who may log in, with the residents that family members see.
SELECT u.user_name, u.role, u.display_name, u.language, u.area_prefix, u.active, u.created_at,
       (SELECT array_agg(f.resident_id ORDER BY f.resident_id) FROM family_links AS f WHERE f.user_name = u.user_name AND f.revoked_at IS NULL) AS family_of
  FROM users AS u
 ORDER BY u.user_name;

-- name: put_accounts
-- MQTT accounts with their hashes; one that exists gets the new password, and a revoked one is valid again.
INSERT INTO accounts (account, kind, area, password_hash)
SELECT account, kind, area, password_hash
  FROM unnest(%(accounts)s::text[], %(kinds)s::text[], %(areas)s::text[], %(hashes)s::text[]) AS given (account, kind, area, password_hash)
 ORDER BY account
    ON CONFLICT (account) DO UPDATE
   SET kind = excluded.kind, area = excluded.area, password_hash = excluded.password_hash, created_at = now(), revoked_at = NULL;

-- name: revoke_account
-- An MQTT account is no longer valid.
UPDATE accounts SET revoked_at = now() WHERE account = %(account)s AND revoked_at IS NULL RETURNING account;

-- name: valid_accounts
-- MQTT accounts that the broker lets in.
SELECT account, kind, area, password_hash FROM accounts WHERE revoked_at IS NULL ORDER BY account;

-- name: accounts_known
-- Which of these accounts are valid.
SELECT account FROM accounts WHERE account = ANY(%(accounts)s::text[]) AND revoked_at IS NULL;

-- name: audit_homes
-- Who changed the records of which homes, and how.
INSERT INTO audit (actor, action, home_id, reason)
SELECT %(actor)s, %(action)s, home_id, %(reason)s FROM unnest(%(home_ids)s::text[]) AS given (home_id) ORDER BY home_id;

-- name: audit_user
-- Who changed which user, and how.
INSERT INTO audit (actor, action, reason) VALUES (%(actor)s, %(action)s, %(reason)s);

-- name: accounts_fingerprint
-- Changes whenever an MQTT account is made, renewed or revoked.
SELECT count(*) AS accounts, max(created_at) AS created_at, max(revoked_at) AS revoked_at FROM accounts;
