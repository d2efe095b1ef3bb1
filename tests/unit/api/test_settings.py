"""Settings that would be unsafe refuse to start."""

import pytest

from api import settings
from contracts.errors import BadSetting

SECRET = {"SHOUWANG_API_TOKEN_SECRET": "x" * 32}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("SHOUWANG_")]:
        monkeypatch.delenv(name)


def test_a_secret_is_enough_to_start_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOUWANG_API_TOKEN_SECRET", "x" * 32)
    assert settings.read().host == "127.0.0.1"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"SHOUWANG_API_TOKEN_SECRET": "short"},
        SECRET | {"SHOUWANG_API_HOST": "0.0.0.0"},
        SECRET | {"SHOUWANG_API_PORT": "0"},
        SECRET | {"SHOUWANG_API_HEARTBEAT_S": "60"},
        SECRET | {"SHOUWANG_API_NO_SUCH": "1"},
    ],
)
def test_what_is_unsafe_or_unknown_refuses_to_start(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting):
        settings.read()


def test_beyond_loopback_the_cookie_must_be_secure(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (SECRET | {"SHOUWANG_API_HOST": "0.0.0.0", "SHOUWANG_API_SECURE_COOKIE": "true"}).items():
        monkeypatch.setenv(name, value)
    assert settings.read().secure_cookie
