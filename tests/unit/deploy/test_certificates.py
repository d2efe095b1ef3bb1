"""The development CA and the broker's certificate."""

import datetime

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from deploy.native import certificates
from deploy.site import Site


@pytest.fixture
def site(tmp_path):
    return Site.load(data=tmp_path, port_base=20000)


def read(folder, name):
    return x509.load_pem_x509_certificate((folder / name).read_bytes())


def test_the_brokers_certificate_is_good_for_localhost_under_our_ca(site):
    folder = certificates.provide(site)
    verifier = PolicyBuilder().store(Store([read(folder, "ca.pem")])).build_server_verifier(x509.DNSName("localhost"))
    assert verifier.verify(read(folder, "server.pem"), [])


def test_keys_can_be_read_by_the_owner_only(site):
    folder = certificates.provide(site)
    for name in ("ca.key", "server.key"):
        assert (folder / name).stat().st_mode & 0o077 == 0


def test_a_second_start_changes_nothing_so_devices_go_on_trusting(site):
    folder = certificates.provide(site)
    before = [(folder / name).read_bytes() for name in ("ca.pem", "server.pem")]
    certificates.provide(site)
    assert [(folder / name).read_bytes() for name in ("ca.pem", "server.pem")] == before


def test_a_new_address_gets_a_new_certificate_from_the_same_ca(site, monkeypatch):
    folder = certificates.provide(site)
    ca = (folder / "ca.pem").read_bytes()
    monkeypatch.setenv("SHOUWANG_LISTEN", "192.168.1.5")
    certificates.provide(Site.load(data=site.data, port_base=20000))
    held = read(folder, "server.pem").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "192.168.1.5" in [str(address) for address in held.get_values_for_type(x509.IPAddress)]
    assert (folder / "ca.pem").read_bytes() == ca


def test_it_is_renewed_before_it_ends(site, monkeypatch):
    folder = certificates.provide(site)
    first = read(folder, "server.pem")
    monkeypatch.setattr(certificates, "_RENEW_DAYS", 900)
    certificates.provide(site)
    assert read(folder, "server.pem").serial_number != first.serial_number
    assert first.not_valid_after_utc - datetime.datetime.now(datetime.UTC) < datetime.timedelta(days=825)
