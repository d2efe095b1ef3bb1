"""One installation on this machine: data folder, ports, secrets, and the environment its stages get."""

import hashlib
import json
import os
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path
from urllib.parse import quote

import msgspec

from contracts.errors import BadSetting
from deploy.errors import BadSite
from deploy.services import API_OFFSET, SERVICES

REPOSITORY = Path(__file__).resolve().parent.parent
LOOPBACK = "127.0.0.1"
DATABASE = "shouwang"
APP_ROLE = "shouwang"
API_ROLE = "shouwang_api"
"""The api's own: it owns nothing, and row security holds for it."""
BRIDGE_ACCOUNT = "bridge"
CANARY_ACCOUNT = "canary"
"""The api's on the MQTT broker: it may write in the canaries' area and read nothing."""
CANARY_S = 55.0
"""How often a canary goes where all is well, s: at least once a minute, and one that is lost leaves the age below two."""

# A unix socket's path may have 107 bytes; the longest that we put under the data folder is run/supervisor.sock.PID.
_LONGEST_DATA_PATH = 75


class Ports(msgspec.Struct, frozen=True):
    """TCP ports, all on loopback."""

    api: int
    mqtt: int
    mqtts: int
    kafka: int
    kafka_controller: int
    postgres: int


class Secrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Made once, kept in ``secrets.json`` (mode 0600) in the data folder."""

    database_password: str
    """Of the role ``shouwang``, which owns the database and is no superuser."""
    superuser_password: str
    """Of PostgreSQL's superuser ``postgres``: set-up, backup and restore only."""
    bridge_password: str
    """Of the MQTT service account ``bridge``."""
    token_secret: str
    """Signs the short-lived tokens of the api."""

    @property
    def api_database_password(self) -> str:
        """Of the role ``shouwang_api``. It follows from the owner's, so that a site made before that role needs no other secrets; nothing leads back."""
        return api_password(self.database_password)

    @property
    def push_key(self) -> str:
        """Private key by which browsers' push services know this site (VAPID). It follows from the secret of the tokens: a browser that subscribed once
        takes messages signed with this key only, so it must stay the same as long as the site."""
        return _push_key(self.token_secret)

    @property
    def canary_password(self) -> str:
        """Of the MQTT account ``canary``. It follows from the bridge's, as the above from the owner's."""
        return hashlib.sha256(b"canary " + self.bridge_password.encode()).hexdigest()


def _push_key(token_secret: str) -> str:
    """32 bytes in base64url; the first bit is cleared, so that they are a private key on P-256 whatever they are."""
    found = hashlib.sha256(b"web push " + token_secret.encode()).digest()
    return urlsafe_b64encode(bytes([found[0] & 0x7F]) + found[1:]).rstrip(b"=").decode()


def api_password(database_password: str) -> str:
    return hashlib.sha256(b"api " + database_password.encode()).hexdigest()


class Site(msgspec.Struct, frozen=True):
    """Where one installation lives. ``Site.load()`` reads SHOUWANG_DATA, SHOUWANG_CACHE, SHOUWANG_PORT_BASE."""

    data: Path
    cache: Path
    port_base: int
    listen: str
    """Address of the TLS listener for devices; everything else stays on loopback."""
    ports: Ports
    secrets: Secrets

    @classmethod
    def load(cls, *, data: Path | None = None, port_base: int | None = None) -> "Site":
        """The site that the environment names. Makes the data folder and its secrets on first use. Raises BadSite, BadSetting."""
        folder = Path(data or os.environ.get("SHOUWANG_DATA") or REPOSITORY / ".shouwang").expanduser().resolve()
        cache = Path(os.environ.get("SHOUWANG_CACHE") or "~/.cache/shouwang").expanduser().resolve()
        base = port_base or _port_base(os.environ.get("SHOUWANG_PORT_BASE", "18800"))
        listen = os.environ.get("SHOUWANG_LISTEN", LOOPBACK)
        if len(os.fsencode(folder)) > _LONGEST_DATA_PATH:
            raise BadSite(
                data=folder,
                detail=f"its path is longer than {_LONGEST_DATA_PATH} bytes; set SHOUWANG_DATA to a shorter one",
            )
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in ("run", "log"):
                (folder / name).mkdir(exist_ok=True)
            made = _secrets(folder / "secrets.json")
        except OSError as error:
            raise BadSite(data=folder, detail=f"{error.strerror}: {error.filename}") from error
        offsets = {name: offset for entry in SERVICES for name, offset in entry.ports.items()}
        ports = Ports(
            api=base + API_OFFSET,
            mqtt=base + offsets["mqtt"],
            mqtts=base + offsets["mqtts"],
            kafka=base + offsets["kafka"],
            kafka_controller=base + offsets["kafka-controller"],
            postgres=base + offsets["postgres"],
        )
        return cls(data=folder, cache=cache, port_base=base, listen=listen, ports=ports, secrets=made)

    def conninfo(self, database: str = DATABASE) -> str:
        """Connection of the application's role."""
        return self._conninfo(APP_ROLE, self.secrets.database_password, database)

    def api_conninfo(self, database: str = DATABASE) -> str:
        """Connection of the api's role, for which row security holds."""
        return self._conninfo(API_ROLE, self.secrets.api_database_password, database)

    def superuser_conninfo(self, database: str = "postgres") -> str:
        """Connection of PostgreSQL's superuser, for set-up, backup and restore."""
        return self._conninfo("postgres", self.secrets.superuser_password, database)

    def _conninfo(self, role: str, password: str, database: str) -> str:
        return f"postgresql://{role}:{quote(password, safe='')}@{LOOPBACK}:{self.ports.postgres}/{database}"

    @property
    def kafka(self) -> str:
        """Bootstrap servers."""
        return f"{LOOPBACK}:{self.ports.kafka}"

    @property
    def ca(self) -> Path:
        """Certificate of the development CA, PEM; what a device needs to trust the TLS listener."""
        return self.data / "tls" / "ca.pem"

    def log(self, process: str) -> Path:
        """Log file of a service or stage."""
        return self.data / "log" / f"{process}.log"

    def environment(self, process: str = "") -> dict[str, str]:
        """What a stage finds in its environment: the caller's own SHOUWANG_* settings, and over them what this site fixes.

        The fixed part is the same for every process but the api, which logs into the database as a role of its own and sends canaries; ``process`` also becomes
        SHOUWANG_PROCESS, for logs.
        """
        own = {name: value for name, value in os.environ.items() if name.startswith("SHOUWANG_")}
        fixed = {
            "SHOUWANG_KAFKA": self.kafka,
            "SHOUWANG_DATABASE": self.conninfo(),
            "SHOUWANG_DATA": str(self.data),
            "SHOUWANG_CACHE": str(self.cache),
            "SHOUWANG_PORT_BASE": str(self.port_base),
            "SHOUWANG_MQTT_HOST": LOOPBACK,
            "SHOUWANG_MQTT_PORT": str(self.ports.mqtt),
            "SHOUWANG_MQTT_TLS_PORT": str(self.ports.mqtts),
            "SHOUWANG_MQTT_CA": str(self.ca),
            "SHOUWANG_INGEST_USER": BRIDGE_ACCOUNT,
            "SHOUWANG_INGEST_PASSWORD": self.secrets.bridge_password,
            "SHOUWANG_API_PORT": str(self.ports.api),
            "SHOUWANG_API_TOKEN_SECRET": self.secrets.token_secret,
            "SHOUWANG_PUSH_KEY": self.secrets.push_key,
        }
        # As far as this site knows: a voice gateway elsewhere reaches the api by another address, which the caller sets.
        own.setdefault("SHOUWANG_ALERTS_ANSWER_URL", f"http://{LOOPBACK}:{self.ports.api}/api/v1/questions")
        if process:
            fixed["SHOUWANG_PROCESS"] = process
        if process == "api":
            fixed["SHOUWANG_DATABASE"] = self.api_conninfo()
            fixed["SHOUWANG_API_CANARY_PASSWORD"] = self.secrets.canary_password
            own.setdefault("SHOUWANG_API_CANARY_S", f"{CANARY_S:g}")
        return own | fixed


def _port_base(text: str) -> int:
    if not text.isdigit() or not 1024 <= int(text) <= 65400:
        raise BadSetting(name="SHOUWANG_PORT_BASE", detail=f"{text!r} is no port between 1024 and 65400")
    return int(text)


def _secrets(path: Path) -> Secrets:
    if not path.exists():
        fresh = {name: secrets.token_urlsafe(32) for name in Secrets.__struct_fields__}
        # Written whole under another name and linked: of two commands that start together, one wins and both read it.
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(fresh, file, indent=2)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Secrets)
    except msgspec.DecodeError as error:
        raise BadSite(
            data=path.parent, detail=f"secrets.json cannot be read ({error}); restore it from a backup"
        ) from error
