-- name: api_begin_login
-- Count an attempt before the password is looked at, so that many at once gain nothing; no row: unknown, inactive or locked.
UPDATE users
   SET failed_logins = failed_logins + 1,
       locked_until = CASE
           WHEN failed_logins + 1 >= %(free)s
           THEN %(now)s::timestamptz + least(%(first_s)s * power(2, least(failed_logins + 1 - %(free)s, 20)), %(most_s)s) * interval '1 second'
       END
 WHERE user_name = %(user_name)s AND active AND (locked_until IS NULL OR locked_until <= %(now)s::timestamptz)
RETURNING user_name, role, display_name, language, area_prefix, password_hash, token_epoch;

-- name: api_login_succeeded
-- The password was right: the count begins anew.
UPDATE users SET failed_logins = 0, locked_until = NULL WHERE user_name = %(user_name)s;

-- name: api_set_language
-- The language a user reads.
UPDATE users SET language = %(language)s WHERE user_name = %(user_name)s;

-- name: api_start_session
-- A new session.
INSERT INTO sessions (session_id, user_name, epoch, token_hash, started_at, rotated_at, ends_at)
VALUES (%(session_id)s, %(user_name)s, %(epoch)s, %(token_hash)s, %(now)s, %(now)s, %(ends_at)s);

-- name: api_forget_sessions
-- Sessions that ended long ago are of no use.
DELETE FROM sessions WHERE ends_at < %(before)s;

-- name: api_rotate_session
-- Change a session's refresh token for a new one; no row: the token is not the current one of a living session.
UPDATE sessions AS s
   SET token_hash = %(new_hash)s, former_hash = s.token_hash, rotated_at = %(now)s
  FROM users AS u
 WHERE s.token_hash = %(token_hash)s AND s.ended_at IS NULL AND s.ends_at > %(now)s
   AND u.user_name = s.user_name AND u.active AND u.token_epoch = s.epoch
RETURNING s.session_id, s.ends_at, u.user_name, u.role, u.display_name, u.language, u.area_prefix, u.token_epoch;

-- name: api_session_of_former_token
-- The living session whose token before the current one this was, and when it was changed.
SELECT s.session_id, s.rotated_at, s.ends_at, u.user_name, u.role, u.display_name, u.language, u.area_prefix, u.token_epoch
  FROM sessions AS s JOIN users AS u USING (user_name)
 WHERE s.former_hash = %(token_hash)s AND s.ended_at IS NULL AND s.ends_at > %(now)s AND u.active AND u.token_epoch = s.epoch;

-- name: api_end_session
-- End one session.
UPDATE sessions SET ended_at = %(now)s, ended_why = %(why)s WHERE session_id = %(session_id)s AND ended_at IS NULL;

-- name: api_session_of_token
-- The session that a current or former refresh token belongs to.
SELECT session_id FROM sessions WHERE token_hash = %(token_hash)s OR former_hash = %(token_hash)s;

-- name: api_end_all_sessions
-- Raise a user's token epoch: every token of his ends now.
UPDATE users SET token_epoch = token_epoch + 1 WHERE user_name = %(user_name)s RETURNING token_epoch;

-- name: api_who
-- Who speaks: the user of a living session, with the rights that hold now, and single homes and residents beside the area.
SELECT u.user_name, u.role, u.display_name, u.language, u.area_prefix, s.ends_at, beside.homes, beside.residents
  FROM sessions AS s JOIN users AS u USING (user_name) CROSS JOIN scope_of(u.user_name, %(now)s) AS beside
 WHERE s.session_id = %(session_id)s AND s.user_name = %(user_name)s AND s.ended_at IS NULL AND s.ends_at > %(now)s
   AND u.active AND u.token_epoch = %(epoch)s AND s.epoch = u.token_epoch;

-- name: api_living_sessions
-- Which of these sessions still live.
SELECT s.session_id
  FROM sessions AS s JOIN users AS u USING (user_name)
 WHERE s.session_id = ANY(%(session_ids)s) AND s.ended_at IS NULL AND s.ends_at > %(now)s AND u.active AND u.token_epoch = s.epoch;

-- name: api_audit
-- Who looked at or changed a person's record.
INSERT INTO audit (at, actor, action, case_id, home_id, reason, facts)
VALUES (%(now)s, %(actor)s, %(action)s, %(case_id)s, %(home_id)s, %(reason)s, %(facts)s::jsonb);
