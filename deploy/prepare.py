"""What must hold before any stage starts: services up, database migrated, topics made, MQTT accounts installed."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

from deploy.engine import choose
from deploy.errors import StepFailed
from deploy.native.packages import tail
from deploy.site import REPOSITORY, Site
from deploy.steps import step

MIGRATE = ("storage", "migrate")
TOPICS = ("contracts.admin",)
ACCOUNTS = ("storage", "credentials")
"""``python -m`` words of jobs that end by themselves and may be run again at any time."""


def everything(site: Site, *, native: bool = False) -> None:
    """Services, database, topics and MQTT accounts, in order. Raises what the engine raises, and StepFailed."""
    services(site, native=native)
    accounts(site)


def accounts(site: Site) -> None:
    """The broker keeps its accounts itself; where its files were lost, or the database is another one, they are those of the database."""
    _job(site, "accounts", ACCOUNTS, "install MQTT accounts")


def services(site: Site, *, native: bool = False) -> None:
    """Services up, database migrated, topics made."""
    choose(site, native=native).up(site)
    migrate(site, site.conninfo())
    _job(site, "topics", TOPICS, "make topics")


def migrate(site: Site, conninfo: str) -> None:
    """Bring one database to the newest migration."""
    _job(site, "database", MIGRATE, "migrate", {"SHOUWANG_DATABASE": conninfo})


def _job(site: Site, subject: str, words: Sequence[str], doing: str, settings: Mapping[str, str] | None = None) -> None:
    log = site.log(subject)
    with step(subject, doing), log.open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=REPOSITORY,
            env=os.environ | site.environment(subject) | dict(settings or {}),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    if done.returncode != 0:
        raise StepFailed(what=f"python -m {' '.join(words)}", code=done.returncode, log=log, tail=tail(log))
