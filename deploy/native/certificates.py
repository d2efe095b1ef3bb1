"""A development CA and the broker's certificate, made at set-up. A real installation brings its own."""

import datetime
import ipaddress
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.site import LOOPBACK, Site

_CA_DAYS = 3650
_SERVER_DAYS = 825
"""The longest that common TLS stacks accept for a server."""
_RENEW_DAYS = 30


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _write(path: Path, content: bytes, mode: int) -> None:
    draft = path.with_name(path.name + ".draft")
    draft.touch(mode=mode)
    draft.write_bytes(content)
    draft.rename(path)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    form = serialization.PrivateFormat.PKCS8
    _write(path, key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()), 0o600)


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def host_names(listen: str) -> list[x509.GeneralName]:
    """What devices may call this machine: localhost, its name, the loopback address and the address listened on."""
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    if socket.gethostname() != "localhost":
        names.append(x509.DNSName(socket.gethostname()))
    for address in sorted({LOOPBACK, "::1", listen} - {"0.0.0.0", "::"}):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(address)))
        except ValueError:
            names.append(x509.DNSName(address))
    return names


def _make_ca(folder: Path, now: datetime.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        False, False, False, False, False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name("Shouwang development CA"))
        .issuer_name(_name("Shouwang development CA"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=_CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_key(folder / "ca.key", key)
    # Last, because its presence says that the CA is whole.
    _write(folder / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _make_server(folder: Path, names: list[x509.GeneralName], now: datetime.datetime) -> None:
    ca = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    ca_key = _read_key(folder / "ca.key")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name("Shouwang broker"))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=_SERVER_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    _write_key(folder / "server.key", key)
    _write(folder / "server.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _is_good(path: Path, names: list[x509.GeneralName], now: datetime.datetime) -> bool:
    if not path.exists() or not path.with_suffix(".key").exists():
        return False
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    fresh = certificate.not_valid_after_utc > now + datetime.timedelta(days=_RENEW_DAYS)
    return fresh and set(names) <= set(held)


def provide(site: Site) -> Path:
    """The folder with ca.pem, server.pem and server.key; makes what is missing, about to end or for other names."""
    folder = site.data / "tls"
    folder.mkdir(mode=0o700, exist_ok=True)
    now = datetime.datetime.now(datetime.UTC)
    if not (folder / "ca.pem").exists():
        _make_ca(folder, now)
        (folder / "server.pem").unlink(missing_ok=True)
    names = host_names(site.listen)
    if not _is_good(folder / "server.pem", names, now):
        _make_server(folder, names, now)
    return folder
