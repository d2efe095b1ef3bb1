-- Sessions of people: a refresh token is kept as its hash, changes at each use, and a stolen one that is used again ends its session.
CREATE TABLE sessions (
    session_id  text PRIMARY KEY,
    user_name   text NOT NULL REFERENCES users ON DELETE CASCADE,
    epoch       integer NOT NULL,                                 -- users.token_epoch at log-in; a raised one ends the session
    token_hash  text NOT NULL UNIQUE,                             -- SHA-256 of the refresh token
    former_hash text,                                             -- of the one before: used again, it was stolen (or two tabs raced)
    started_at  timestamptz NOT NULL,
    rotated_at  timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    ended_at    timestamptz,
    ended_why   text
);
CREATE INDEX sessions_by_user ON sessions (user_name);
CREATE INDEX sessions_by_former ON sessions (former_hash) WHERE former_hash IS NOT NULL;
CREATE INDEX sessions_by_end ON sessions (ends_at);
