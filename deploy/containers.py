"""The services in containers, by deploy/compose.yaml.

Form only: there was no container engine where this was written, so it was never run. What it has to hold together with the native
set-up (ports, settings, accounts) is compared by a test. ``--native`` goes round it.
"""

import os
import shutil
import subprocess
from typing import Any

import msgspec

from deploy import ready
from deploy.errors import StepFailed
from deploy.native import mosquitto, postgres
from deploy.native.packages import tail
from deploy.services import SERVICES
from deploy.site import REPOSITORY, Site
from deploy.steps import step
from deploy.supervise import Supervisor

_FILE = REPOSITORY / "deploy" / "compose.yaml"


def compose() -> list[str] | None:
    """The words that call compose, if an engine answers; None otherwise."""
    for words, question in ((["docker", "compose"], ["docker", "info"]), (["podman", "compose"], ["podman", "info"])):
        if shutil.which(words[0]) is None:
            continue
        try:
            answers = all(
                subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, timeout=15).returncode == 0
                for asked in (question, [*words, "version"])
            )
        except subprocess.TimeoutExpired:
            continue
        if answers:
            return words
    return None


def _words(site: Site) -> list[str]:
    # The project's name follows the data folder, so that two sites have two sets of volumes.
    name = f"shouwang-{site.port_base}"
    return [
        *(compose() or ["docker", "compose"]),
        "-p",
        name,
        "--env-file",
        str(site.data / "compose.env"),
        "-f",
        str(_FILE),
    ]


def variables(site: Site) -> dict[str, str]:
    """What compose.yaml asks for."""
    return {
        "SHOUWANG_DATA": str(site.data),
        "SHOUWANG_LISTEN": site.listen,
        "SHOUWANG_POSTGRES_PORT": str(site.ports.postgres),
        "SHOUWANG_KAFKA_PORT": str(site.ports.kafka),
        "SHOUWANG_MQTT_PORT": str(site.ports.mqtt),
        "SHOUWANG_MQTT_TLS_PORT": str(site.ports.mqtts),
        "SHOUWANG_SUPERUSER_PASSWORD": site.secrets.superuser_password,
        "SHOUWANG_DATABASE_PASSWORD": site.secrets.database_password,
        "SHOUWANG_API_DATABASE_PASSWORD": site.secrets.api_database_password,
        "SHOUWANG_BRIDGE_PASSWORD": site.secrets.bridge_password,
        "SHOUWANG_CANARY_PASSWORD": site.secrets.canary_password,
        "SHOUWANG_TOKEN_SECRET": site.secrets.token_secret,
        "SHOUWANG_PUSH_KEY": site.secrets.push_key,
        "SHOUWANG_UID": str(os.geteuid()),
        "SHOUWANG_GID": str(os.getegid()),
    }


def _run(site: Site, *words: str) -> None:
    log = site.log("compose")
    with log.open("ab") as out:
        done = subprocess.run([*_words(site), *words], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise StepFailed(what=f"compose {' '.join(words)}", code=done.returncode, log=log, tail=tail(log))


def inside(site: Site, service: str, variables: list[str], words: list[str]) -> list[str]:
    """``words`` as they are run in a service's container, with these variables of our environment."""
    given = [word for name in variables for word in ("-e", name)]
    return [*_words(site), "exec", "-T", *given, service, *words]


def up(site: Site) -> None:
    """Start and wait for the services."""
    settings = site.data / "compose.env"
    settings.touch(mode=0o600)
    settings.write_text("".join(f"{name}={value}\n" for name, value in variables(site).items()))
    mosquitto.prepare(site)
    (site.data / "run" / "compose.json").write_bytes(msgspec.json.encode(_words(site)))
    with step("services", "start containers (never run by those who wrote it; if it fails: --native)", long=True):
        _run(site, "up", "-d", *(entry.name for entry in SERVICES))
    for entry in SERVICES:
        ready.wait(site, entry.name, lambda: "in a container")
    postgres.finish(site)


def down(site: Site) -> None:
    """Stop the stages of this site, then the containers; volumes stay."""
    Supervisor(site).down()
    if (site.data / "compose.env").exists():
        with step("services", "stop containers"):
            _run(site, "stop")


def status(site: Site) -> dict[str, dict[str, Any]]:
    """For each service: running, ready, port; no pid, which is the engine's affair."""
    listed = subprocess.run(
        [*_words(site), "ps", "--services", "--status", "running"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return ready.table(site, dict.fromkeys(listed.stdout.split()))


def reset(site: Site) -> None:
    """Stop everything and remove the volumes and the broker's data."""
    down(site)
    if (site.data / "compose.env").exists():
        _run(site, "down", "--volumes")
    shutil.rmtree(site.data / "mosquitto", ignore_errors=True)
    for name in ("compose.env", "run/compose.json"):
        (site.data / name).unlink(missing_ok=True)
