"""Fixtures that bring up the real services on demand. A test that needs them is marked ``services``.

    site            session   a test Site with its services up, the database migrated, the topics made
    database        module    conninfo of a database of its own, migrated, made from a template in a moment
    fresh_database  function  the same for one test
    fresh_topic     function  await fresh_topic(partitions=1) -> name of a new, empty Kafka topic

The test site is ``.shouwang-test`` on ports from 28800, unless SHOUWANG_DATA and SHOUWANG_PORT_BASE name another. Services that
were down are started here and stopped at the end (SHOUWANG_KEEP_SERVICES=1 leaves them up: the next run then starts at once).
If they cannot be started the tests fail; they are never skipped. ``tests/system/conftest.py`` adds the stages.

If pytest-xdist runs several workers (`./shouwang test` does), each has a site of its own, and a test marked ``alone`` has the machine for itself.
"""

import fcntl
import hashlib
import os
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from psycopg import sql

from cli.test import site_of_worker
from deploy import prepare
from deploy.native import engine
from deploy.services import API_OFFSET, SERVICES
from deploy.site import LOOPBACK, REPOSITORY, Site


def worker_number() -> int:
    """0, or 1 in the second of two workers."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Beside a test marked ``alone`` no other worker runs one. First of all, so that waiting is in nobody's time."""
    folder = os.environ.get("SHOUWANG_TEST_LOCKS")
    if folder is None:
        return (yield)
    alone = item.get_closest_marker("alone") is not None
    # Who wants to be alone keeps the door while waiting; otherwise the others would never all be out.
    with Path(folder, "door").open("w") as door, Path(folder, "room").open("w") as room:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        return (yield)


def free_base(first: int, tries: int) -> int:
    """A port base, from ``first`` in steps of 100, of which every port that a site uses is free now."""
    offsets = [API_OFFSET, *(offset for entry in SERVICES for offset in entry.ports.values())]
    for base in range(first, first + 100 * tries, 100):
        try:
            for offset in offsets:
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what was closed just now is free
                    probe.bind((LOOPBACK, base + offset))
        except OSError:
            continue
        return base
    raise RuntimeError(f"every port base from {first} to {first + 100 * tries} is in use; what holds them?")


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The test Site, ready for stages. Its own database and topics are shared by all tests: use ids of your own."""
    found = site_of_worker(worker_number())
    was_up = all(entry["running"] for entry in engine.status(found).values())
    prepare.services(found, native=True)
    yield found
    if not was_up and not os.environ.get("SHOUWANG_KEEP_SERVICES"):
        engine.down(found)


def _template(site: Site) -> str:
    """Name of a migrated database that is only ever copied; made anew when a migration changes."""
    digest = hashlib.sha256()
    for file in sorted((REPOSITORY / "storage" / "migrations").glob("*.sql")):
        digest.update(file.name.encode() + file.read_bytes())
    name = f"template_{digest.hexdigest()[:12]}"
    with psycopg.connect(site.conninfo("postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            draft = f"draft_{uuid.uuid4().hex[:12]}"
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(draft)))
            prepare.migrate(site, site.conninfo(draft))
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(name))
            )
    return name


@pytest.fixture(scope="session")
def _migrated_template(site: Site) -> str:
    return _template(site)


def _copy(site: Site, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log")
    _execute(site, copy.format(sql.Identifier(name), sql.Identifier(template)))
    yield site.conninfo(name)
    drop_database(site.conninfo("postgres"), name)


def drop_database(conninfo: str, name: str) -> None:
    """By a new connection: the test may have killed the server."""
    drop = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
    with psycopg.connect(conninfo, autocommit=True) as connection:
        try:
            connection.execute(drop + sql.SQL(" WITH (FORCE)"))
        except psycopg.errors.InsufficientPrivilege:
            # An autovacuum worker is at it. FORCE may not end that one, a plain DROP does by itself; and everybody else is out now.
            connection.execute(drop)


def _execute(site: Site, statement: sql.Composed) -> None:
    with psycopg.connect(site.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture(scope="module")
def database(site: Site, _migrated_template: str) -> Iterator[str]:
    """Conninfo of a migrated database that this module has for itself."""
    yield from _copy(site, _migrated_template)


@pytest.fixture
def fresh_database(site: Site, _migrated_template: str) -> Iterator[str]:
    """Conninfo of a migrated database that this test has for itself."""
    yield from _copy(site, _migrated_template)


@pytest.fixture
async def fresh_topic(site: Site) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Makes topics with names nobody else has; they are deleted after the test."""
    admin = AIOKafkaAdminClient(bootstrap_servers=site.kafka)
    await admin.start()
    made: list[str] = []

    async def make(partitions: int = 1) -> str:
        name = f"test-{uuid.uuid4().hex[:12]}"
        await admin.create_topics([NewTopic(name, partitions, 1)])
        made.append(name)
        return name

    try:
        yield make
    finally:
        if made:
            await admin.delete_topics(made)
        await admin.close()
