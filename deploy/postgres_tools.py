"""PostgreSQL's own programs (pg_dump, pg_restore) on the site's database, from where the server itself comes: the version is always the right one."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from deploy import containers
from deploy.engine import choose
from deploy.errors import StepFailed
from deploy.native import engine, packages, root
from deploy.services import POSTGRES_MAJOR
from deploy.site import APP_ROLE, LOOPBACK, Site


def run(
    site: Site,
    program: str,
    database: str,
    words: Sequence[str],
    *,
    source: Path | None = None,
    target: Path | None = None,
) -> None:
    """``program`` with ``words``, connected to ``database``; ``source`` on its stdin, its stdout into ``target``. Raises StepFailed with its last words.

    In containers the program runs beside the server (``compose exec``): written, never run by us.
    """
    log = site.log(program)
    password = site.data / "run" / f"{program}.{os.getpid()}"
    try:
        password.touch(mode=0o600)  # in a file, because a command line can be read by everybody
        password.write_text(f"*:*:*:{APP_ROLE}:{site.secrets.database_password}\n")
        if choose(site) is engine:
            where = f"host={LOOPBACK} port={site.ports.postgres} user={APP_ROLE} dbname={database} passfile={password}"
            binary = f"/usr/lib/postgresql/{POSTGRES_MAJOR}/bin/{program}"
            command = root.inside(root.provide(site), [binary, *words, "-d", where], readable=(password,))
            environment = dict(os.environ)
        else:
            where = f"host={LOOPBACK} port=5432 user={APP_ROLE} dbname={database}"
            command = containers.inside(site, "timescale", ["PGPASSWORD"], [program, *words, "-d", where])
            environment = os.environ | {"PGPASSWORD": site.secrets.database_password}
        with log.open("wb") as errors, _opened(source, "rb") as given, _opened(target, "wb") as taken:
            done = subprocess.run(command, env=environment, stdin=given, stdout=taken, stderr=errors)
    finally:
        password.unlink(missing_ok=True)
    if done.returncode != 0:
        raise StepFailed(what=program, code=done.returncode, log=log, tail=packages.tail(log))


def _opened(path: Path | None, mode: str) -> BinaryIO:
    return open(path or os.devnull, mode)  # type: ignore[return-value]
