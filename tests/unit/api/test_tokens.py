"""Access tokens: ours, alive, and nothing else."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from api import tokens
from api.errors import NotLoggedIn

SECRET = "a secret of tests that is long enough to sign with"
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def issue(**changes: object) -> str:
    facts: dict[str, object] = {
        "secret": SECRET, "user_name": "desk-1", "session_id": "s-1", "role": "operator", "epoch": 3, "now": NOW, "life_s": 900.0,
    } | changes  # fmt: skip
    return tokens.issue(**facts)[0]  # type: ignore[arg-type]


def test_what_was_said_is_read_back() -> None:
    claims = tokens.read(issue(), secret=SECRET, now=NOW)
    assert (claims.sub, claims.sid, claims.role, claims.epoch) == ("desk-1", "s-1", "operator", 3)


def test_it_lives_to_the_second_by_the_clock_that_is_passed_in() -> None:
    token = issue()
    tokens.read(token, secret=SECRET, now=NOW + timedelta(seconds=899.999))
    with pytest.raises(NotLoggedIn):
        tokens.read(token, secret=SECRET, now=NOW + timedelta(seconds=900))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        issue(secret="another secret that is also long enough to sign"),
        jwt.encode({"sub": "desk-1", "exp": 4_000_000_000, "iss": "shouwang"}, SECRET),
        jwt.encode({"sub": "desk-1", "exp": 4_000_000_000, "iss": "somebody"}, SECRET),
        jwt.encode(
            {
                "sub": "desk-1",
                "sid": "s",
                "role": "admin",
                "epoch": 0,
                "iat": 0,
                "exp": 4_000_000_000,
                "iss": "shouwang",
            },
            "",
            algorithm="none",
        ),
        jwt.encode(
            {"sub": "d", "sid": "s", "role": "admin", "epoch": 0, "iat": 0, "exp": 4e9, "iss": "shouwang", "x": 1},
            SECRET,
        ),
    ],
)
def test_what_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(NotLoggedIn):
        tokens.read(token, secret=SECRET, now=NOW)


def test_refresh_tokens_are_long_differ_and_are_kept_as_a_hash() -> None:
    first, second = tokens.new_refresh_token(), tokens.new_refresh_token()
    assert len(first) >= 43
    assert first != second
    assert first not in tokens.fingerprint(first)
