-- name: consents_in_force
-- Who is linked to a resident, and what each may see now.
SELECT f.user_name, u.display_name, coalesce(k.scopes, '{}') AS scopes, c.given_by, c.giver, c.ground, c.recorded_by, c.recorded_at
  FROM family_links AS f JOIN users AS u USING (user_name)
  LEFT JOIN kin_sees AS k USING (user_name, resident_id)
  LEFT JOIN LATERAL (SELECT * FROM consents AS c WHERE c.resident_id = f.resident_id AND c.user_name = f.user_name
                      ORDER BY consent_id DESC LIMIT 1) AS c ON true
 WHERE f.resident_id = %(resident_id)s AND f.revoked_at IS NULL
 ORDER BY f.user_name;

-- name: consents_history
-- What was ever said about who may see a resident, newest first.
SELECT consent_id, user_name, scopes, given_by, giver, ground, recorded_by, recorded_at
  FROM consents WHERE resident_id = %(resident_id)s ORDER BY consent_id DESC;

-- name: put_consent
-- What the resident or a guardian said; in force from now on.
INSERT INTO consents (resident_id, user_name, scopes, given_by, giver, ground, recorded_by)
VALUES (%(resident_id)s, %(user_name)s, %(scopes)s::text[], %(given_by)s, %(giver)s, %(ground)s, %(recorded_by)s)
RETURNING consent_id;

-- name: consent_user
-- Whether this is somebody of a family who may log in.
SELECT user_name FROM users WHERE user_name = %(user_name)s AND role = 'family';
