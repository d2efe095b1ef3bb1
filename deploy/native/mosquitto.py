"""The MQTT broker: its settings, its accounts, its command.

Accounts come from the table ``accounts`` of the database (``storage.accounts`` renders them); the bridge's own account must
exist before the database does, so it is kept here and put into whatever is installed; the canaries' is kept beside it.
"""

import base64
import hashlib
import hmac
import os
import resource
import secrets
import signal
import socket
import subprocess
from pathlib import Path

import msgspec
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from contracts.names import AREA_CANARY
from deploy.native import certificates, root
from deploy.services import MOSQUITTO, service
from deploy.site import BRIDGE_ACCOUNT, CANARY_ACCOUNT, LOOPBACK, Site

HASH_ITERATIONS = 101
"""PBKDF2 rounds, mosquitto_passwd's own default. The broker hashes on its one thread at every connect, and passwords are
random, 24 bytes and more: more rounds would cost a reconnecting city minutes and gain nothing."""
OPEN_FILES = 300_000
"""A connection is one: room for a city whose devices each have one of their own, where the machine allows it."""
_SALT_BYTES = 12
_HASH_BYTES = 64

BRIDGE_ACL = f"""\
user {BRIDGE_ACCOUNT}
topic read shouwang/v1/#
topic write shouwang/v1/+/+/receipt
topic readwrite shouwang/internal/#
"""

CANARY_ACL = f"""\
user {CANARY_ACCOUNT}
topic write shouwang/v1/{AREA_CANARY}/#
"""

DEVICE_ACL = """\
pattern write shouwang/v1/+/%u/#
pattern read shouwang/v1/+/%u/receipt
"""


def hash_password(password: str, salt: bytes | None = None, iterations: int = HASH_ITERATIONS) -> str:
    """``$7$iterations$salt$hash``: PBKDF2-HMAC-SHA512 with base64, the form that mosquitto_passwd 2.0 writes."""
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations, _HASH_BYTES)
    return f"$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}"


def verify_password(password: str, hashed: str) -> bool:
    """Whether ``hashed``, as of hash_password, was made from ``password``."""
    try:
        _, form, iterations, salt, _ = hashed.split("$")
        again = hash_password(password, base64.b64decode(salt), int(iterations))
    except ValueError:
        return False
    return form == "7" and hmac.compare_digest(again, hashed)


def _folder(site: Site) -> Path:
    return site.data / "mosquitto"


def configuration(site: Site) -> str:
    """Text of mosquitto.conf where the broker runs beside us."""
    return _configuration(
        folder=str(_folder(site)),
        tls=str(site.data / "tls"),
        plain=f"{site.ports.mqtt} {LOOPBACK}",
        secure=f"{site.ports.mqtts} {site.listen}",
    )


def container_configuration() -> str:
    """The same inside a container, whose published ports decide who can reach it."""
    return _configuration(folder="/site/mosquitto", tls="/site/tls", plain="1883", secure="8883")


def _configuration(folder: str, tls: str, plain: str, secure: str) -> str:
    general = service(MOSQUITTO).settings | {
        "persistence_location": f"{folder}/store/",
        "password_file": f"{folder}/passwords",
        "acl_file": f"{folder}/acl",
        "pid_file": f"{folder}/mosquitto.pid",
        "log_dest": "stdout",
        "log_timestamp_format": "%Y-%m-%dT%H:%M:%S",
        "connection_messages": "false",
    }
    lines = [f"{name} {value}" for name, value in general.items()]
    lines += [f"log_type {kind}" for kind in ("error", "warning", "notice")]
    lines += [f"listener {plain}", f"listener {secure}"]
    lines += [f"certfile {tls}/server.pem", f"keyfile {tls}/server.key", "tls_version tlsv1.2"]
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.rename(path)


def _own_lines(site: Site, known: str) -> list[str]:
    """Lines of the password file for our own accounts; the present ones where they still fit, so that nothing changes without need."""
    present = dict(line.split(":", 1) for line in known.splitlines() if ":" in line)
    own = {BRIDGE_ACCOUNT: site.secrets.bridge_password, CANARY_ACCOUNT: site.secrets.canary_password}
    return [
        f"{name}:{hashed}"
        if (hashed := present.get(name)) is not None and verify_password(password, hashed)
        else f"{name}:{hash_password(password)}"
        for name, password in own.items()
    ]


def install_credentials(site: Site, passwords: str, acl: str) -> None:
    """Replace the broker's accounts and tell it. Connections whose account has gone are closed by the broker.

    ``passwords``: lines ``account:hash`` with the hash of hash_password. ``acl``: sections ``user NAME`` with their topics,
    and patterns. The bridge's account, the canaries' and the devices' patterns are added where they are missing.
    """
    folder = _folder(site)
    folder.mkdir(exist_ok=True)
    present = folder / "passwords"
    own = _own_lines(site, present.read_text() if present.exists() else "")
    taken = tuple(f"{name}:" for name in (BRIDGE_ACCOUNT, CANARY_ACCOUNT))
    others = [line for line in passwords.splitlines() if line and not line.startswith(taken)]
    for account, lines in ((CANARY_ACCOUNT, CANARY_ACL), (BRIDGE_ACCOUNT, BRIDGE_ACL)):
        if f"user {account}" not in acl.splitlines():
            acl = lines + acl
    if "pattern write shouwang/v1/+/%u/#" not in acl.splitlines():
        acl = acl.rstrip("\n") + "\n" + DEVICE_ACL
    _write(present, "\n".join([*own, *others]) + "\n")
    _write(folder / "acl", acl)
    _reload(site)


def _reload(site: Site) -> None:
    """SIGHUP to the broker of this site, if it runs; it reads passwords and ACL again."""
    compose = site.data / "run" / "compose.json"
    if compose.exists():
        words = [*msgspec.json.decode(compose.read_bytes(), type=list[str]), "kill", "-s", "HUP", "mosquitto"]
        subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True)
        return
    file = _folder(site) / "mosquitto.pid"
    try:
        pid = int(file.read_text())
        # The pid file outlives a killed broker, so its number may be somebody else's by now.
        if Path(f"/proc/{pid}/comm").read_text().strip() == "mosquitto":
            os.kill(pid, signal.SIGHUP)
    except (OSError, ValueError):
        return


def prepare(site: Site) -> None:
    """Certificates, settings, and the bridge's account; accounts installed before stay."""
    folder = _folder(site)
    (folder / "store").mkdir(parents=True, exist_ok=True)
    certificates.provide(site)
    (folder / "mosquitto.conf").write_text(configuration(site))
    (folder / "container.conf").write_text(container_configuration())
    passwords, acl = folder / "passwords", folder / "acl"
    install_credentials(
        site, passwords.read_text() if passwords.exists() else "", acl.read_text() if acl.exists() else ""
    )


def command(site: Site, system: Path) -> list[str]:
    """The broker, for the supervisor."""
    run = ["/usr/sbin/mosquitto", "-c", str(_folder(site) / "mosquitto.conf")]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    # Debian gives a process 1,024 unless it asks for more, and the broker does not ask: the 1,025th device would be refused.
    may_open = ["prlimit", f"--nofile={files}:"]
    return [*may_open, *root.server(system, run, writable=(_folder(site),), readable=(site.data / "tls",))]


def check(site: Site) -> None:
    """Log in as the bridge and wait for the broker's word; the TLS port must be open too. Raises OSError while it is not ready."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=f"ready-{os.getpid()}")
    client.username_pw_set(BRIDGE_ACCOUNT, site.secrets.bridge_password)
    answers: list[ReasonCode] = []
    client.on_connect = lambda _client, _data, _flags, code, _properties: answers.append(code)
    client.connect(LOOPBACK, site.ports.mqtt)
    try:
        for _ in range(20):
            if answers:
                break
            client.loop(timeout=0.1)
    finally:
        client.disconnect()
    if not answers or answers[0].is_failure:
        raise ConnectionRefusedError(str(answers[0]) if answers else "no answer to CONNECT")
    socket.create_connection(
        (LOOPBACK if site.listen == "0.0.0.0" else site.listen, site.ports.mqtts), timeout=2
    ).close()
