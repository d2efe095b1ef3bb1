"""The broker's accounts and settings, without the broker."""

import pytest

from deploy.native import mosquitto
from deploy.site import Site


@pytest.fixture
def site(tmp_path):
    return Site.load(data=tmp_path, port_base=20000)


def passwords(site):
    return dict(line.split(":", 1) for line in (site.data / "mosquitto" / "passwords").read_text().splitlines())


def test_a_hash_is_checked_by_its_own_salt_and_rounds():
    hashed = mosquitto.hash_password("correct horse")
    assert hashed.startswith("$7$101$")
    assert mosquitto.verify_password("correct horse", hashed)
    assert not mosquitto.verify_password("correct hors", hashed)
    assert mosquitto.hash_password("correct horse") != hashed


def test_a_hash_is_what_mosquitto_passwd_writes_for_the_same_salt():
    # Made by mosquitto_passwd 2.0.21 for the word "word".
    made = "$7$101$FXTHCa0PA2gS7lqS$MhjWh3BjKpFTmuzXGM6fhu85eTN3sjSD1Z+q7QmQgTTHuXrFs251FWvhheX7mBfRO9JShoOpSjfCjQ3XIF/vLA=="
    assert mosquitto.verify_password("word", made)


@pytest.mark.parametrize("damaged", ["", "word", "$6$101$a$b", "$7$many$AAAA$BBBB", "$7$101$!$BBBB"])
def test_a_damaged_hash_lets_nobody_in(damaged):
    assert not mosquitto.verify_password("word", damaged)


def test_the_bridge_is_there_before_anybody_else(site):
    mosquitto.install_credentials(site, "", "")
    assert mosquitto.verify_password(site.secrets.bridge_password, passwords(site)["bridge"])
    acl = (site.data / "mosquitto" / "acl").read_text()
    assert mosquitto.BRIDGE_ACL in acl
    assert mosquitto.DEVICE_ACL in acl


def test_the_canaries_may_write_in_their_area_and_nowhere_else(site):
    mosquitto.install_credentials(site, f"canary:{mosquitto.hash_password('mine')}\n", "")
    assert mosquitto.verify_password(site.secrets.canary_password, passwords(site)["canary"])
    acl = (site.data / "mosquitto" / "acl").read_text()
    section = acl.partition("user canary\n")[2].partition("pattern")[0].partition("user")[0]
    assert section == "topic write shouwang/v1/000000000/#\n"


def test_the_key_to_the_canaries_account_is_the_api_s_alone(site):
    assert site.environment("api")["SHOUWANG_API_CANARY_PASSWORD"] == site.secrets.canary_password
    assert site.secrets.canary_password != site.secrets.bridge_password
    assert "SHOUWANG_API_CANARY_PASSWORD" not in site.environment("ingest-main")


def test_installing_again_changes_no_byte_so_no_connection_is_closed_for_nothing(site):
    line = f"h1.door:{mosquitto.hash_password('x')}\n"
    mosquitto.install_credentials(site, line, "")
    before = [(site.data / "mosquitto" / name).read_text() for name in ("passwords", "acl")]
    mosquitto.install_credentials(site, *before)
    assert [(site.data / "mosquitto" / name).read_text() for name in ("passwords", "acl")] == before


def test_nobody_can_take_the_bridges_name_with_a_password_of_his_own(site):
    mosquitto.install_credentials(site, f"bridge:{mosquitto.hash_password('mine')}\n", "")
    assert mosquitto.verify_password(site.secrets.bridge_password, passwords(site)["bridge"])


def test_accounts_can_be_read_by_the_owner_only(site):
    mosquitto.install_credentials(site, "", "")
    assert (site.data / "mosquitto" / "passwords").stat().st_mode & 0o077 == 0


def test_the_plain_listener_is_on_loopback_whatever_the_tls_one_listens_on(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOUWANG_LISTEN", "192.168.1.5")
    lines = mosquitto.configuration(Site.load(data=tmp_path, port_base=20000)).splitlines()
    assert "listener 20082 127.0.0.1" in lines
    assert "listener 20083 192.168.1.5" in lines
    # What follows a listener line is that listener's, so TLS has to come after the second.
    assert lines.index("listener 20082 127.0.0.1") + 1 == lines.index("listener 20083 192.168.1.5")
    assert [line.split()[0] for line in lines[-3:]] == ["certfile", "keyfile", "tls_version"]
