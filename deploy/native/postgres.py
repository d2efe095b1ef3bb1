"""PostgreSQL with TimescaleDB: its data folder, its settings, its role and database."""

import shutil
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from deploy.native import packages, root
from deploy.services import POSTGRES_MAJOR, TIMESCALE, service
from deploy.site import API_ROLE, APP_ROLE, DATABASE, LOOPBACK, Site
from deploy.steps import step

_BIN = f"/usr/lib/postgresql/{POSTGRES_MAJOR}/bin"

_HBA = f"""\
# Nobody gets in without a password, and only from this machine.
host all all {LOOPBACK}/32 scram-sha-256
host replication all {LOOPBACK}/32 scram-sha-256
"""


def _data(site: Site) -> Path:
    return site.data / "postgres"


def configuration(site: Site) -> str:
    """Text of ``shouwang.conf``: the table's settings and what depends on the site."""
    settings = service(TIMESCALE).settings | {
        "port": str(site.ports.postgres),
        # TCP only: a socket in a shared folder would be one more door.
        "unix_socket_directories": "",
        # Debian's TimescaleDB is the Apache edition, which has no background jobs.
        "timescaledb.max_background_workers": "0",
    }
    return "".join(f"{name} = '{value}'\n" for name, value in settings.items())


def prepare(site: Site, system: Path) -> None:
    """initdb on first use (into a temporary name, renamed when whole); write the settings each time."""
    folder = _data(site)
    if not folder.exists():
        draft = folder.with_name("postgres.draft")
        password = site.data / "run" / "superuser"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password.touch(mode=0o600)
        password.write_text(site.secrets.superuser_password)
        with step("timescale", "initdb"):
            try:
                make = [
                    *(f"{_BIN}/initdb", "-D", str(draft), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"),
                    *("--data-checksums", "--auth=scram-sha-256", f"--pwfile={password}"),
                ]
                command = root.inside(system, make, writable=(draft,), readable=(password,))
                packages.run(command, site.log("initdb"), "initdb")
            finally:
                password.unlink()
            with (draft / "postgresql.conf").open("a") as file:
                file.write("\ninclude 'shouwang.conf'\n")
            draft.rename(folder)
    (folder / "shouwang.conf").write_text(configuration(site))
    (folder / "pg_hba.conf").write_text(_HBA)


def command(site: Site, system: Path) -> list[str]:
    """The server, for the supervisor."""
    return root.server(system, [f"{_BIN}/postgres", "-D", str(_data(site))], writable=(_data(site),))


def check(site: Site) -> None:
    """Log in and ask. Raises psycopg.Error while it is not ready."""
    with psycopg.connect(site.superuser_conninfo(), connect_timeout=2) as connection:
        connection.execute("SELECT 1")


def finish(site: Site) -> None:
    """Once the server runs: the roles of the application and of its api, the database, and TimescaleDB in it and in every database to come."""
    with psycopg.connect(site.superuser_conninfo(), autocommit=True) as connection:
        # CREATEROLE and CREATEDB, because migrations make the roles that row security is about, and tests make databases.
        _role(connection, APP_ROLE, "LOGIN CREATEDB CREATEROLE NOSUPERUSER NOBYPASSRLS", site.secrets.database_password)
        # What it may do is said by migrations.
        api = "LOGIN NOCREATEDB NOCREATEROLE NOSUPERUSER NOBYPASSRLS"
        _role(connection, API_ROLE, api, site.secrets.api_database_password)
        # So that restore sees, and the tests can end, connections of the api.
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(API_ROLE), sql.Identifier(APP_ROLE)))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            _extend(site, "template1")
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(APP_ROLE))
            )


def _role(connection: psycopg.Connection[TupleRow], name: str, attributes: LiteralString, password: str) -> None:
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    words = sql.SQL("ALTER" if known else "CREATE"), sql.Identifier(name), sql.SQL(attributes), sql.Literal(password)
    connection.execute(sql.SQL("{} ROLE {} {} PASSWORD {}").format(*words))


def _extend(site: Site, database: str) -> None:
    with psycopg.connect(site.superuser_conninfo(database), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
