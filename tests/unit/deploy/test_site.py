"""One installation: its ports, its secrets, what its stages find in their environment."""

import os
import stat

import pytest

from contracts.errors import BadSetting
from deploy.errors import BadSite
from deploy.services import API_OFFSET, SERVICES
from deploy.site import Site


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("SHOUWANG_")]:
        monkeypatch.delenv(name)


def test_secrets_are_made_once_for_the_owners_eyes_only(tmp_path):
    first = Site.load(data=tmp_path / "a")
    assert stat.S_IMODE((tmp_path / "a" / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    assert Site.load(data=tmp_path / "a").secrets == first.secrets
    assert Site.load(data=tmp_path / "b").secrets != first.secrets
    assert len({first.secrets.database_password, first.secrets.superuser_password, first.secrets.bridge_password}) == 3
    assert [file.name for file in (tmp_path / "a").glob("secrets*")] == ["secrets.json"]


def test_a_damaged_secrets_file_stops_the_start_and_is_not_replaced(tmp_path):
    Site.load(data=tmp_path)
    (tmp_path / "secrets.json").write_text('{"database_password": "x"')
    with pytest.raises(BadSite, match=r"secrets\.json"):
        Site.load(data=tmp_path)
    assert (tmp_path / "secrets.json").read_text() == '{"database_password": "x"'


def test_data_folder_and_port_base_come_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOUWANG_DATA", str(tmp_path / "mine"))
    monkeypatch.setenv("SHOUWANG_PORT_BASE", "20000")
    site = Site.load()
    assert site.data == tmp_path / "mine"
    assert (site.ports.api, site.ports.mqtt, site.ports.mqtts) == (20000, 20082, 20083)
    assert (site.ports.kafka, site.ports.kafka_controller, site.ports.postgres) == (20092, 20093, 20032)


@pytest.mark.parametrize("base", ["", "eighty", "80", "65500", "-1"])
def test_a_port_base_that_is_none_is_refused(tmp_path, monkeypatch, base):
    monkeypatch.setenv("SHOUWANG_PORT_BASE", base)
    with pytest.raises(BadSetting, match="SHOUWANG_PORT_BASE"):
        Site.load(data=tmp_path)


def test_a_data_folder_whose_sockets_path_would_be_cut_is_refused(tmp_path):
    with pytest.raises(BadSite, match="longer than"):
        Site.load(data=tmp_path / ("d" * 80))


def test_a_data_folder_that_cannot_be_made_says_where(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSite, match="file"):
        Site.load(data=tmp_path / "file" / "data")


def test_no_two_ports_of_a_site_are_the_same():
    offsets = [API_OFFSET, *(offset for service in SERVICES for offset in service.ports.values())]
    assert len(offsets) == len(set(offsets))
    assert max(offsets) < 100


def test_a_stages_environment_names_every_service_and_keeps_the_callers_own_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOUWANG_STREAM_SNAPSHOT_S", "5")
    monkeypatch.setenv("SHOUWANG_KAFKA", "elsewhere:9092")
    site = Site.load(data=tmp_path)
    found = site.environment("stream-1")
    assert found["SHOUWANG_STREAM_SNAPSHOT_S"] == "5"
    assert found["SHOUWANG_KAFKA"] == f"127.0.0.1:{site.ports.kafka}"
    assert found["SHOUWANG_DATABASE"].startswith("postgresql://shouwang:")
    assert found["SHOUWANG_MQTT_CA"] == str(tmp_path / "tls" / "ca.pem")
    assert found["SHOUWANG_PROCESS"] == "stream-1"
    assert all(name.startswith("SHOUWANG_") for name in found)
