"""``python -m storage migrate | credentials | writer | keeper``."""

import argparse
import asyncio
import logging
import os
import signal
import sys

from prometheus_client import start_http_server

from contracts import settings
from contracts.collector import collect_rarely
from contracts.errors import BadSetting, ShouwangError
from deploy.site import Site
from storage import accounts
from storage.database import connect
from storage.keeper import Keeper
from storage.migrate import migrate, migrations
from storage.settings import KeeperSettings, WriterSettings
from storage.writer import Metrics, Writer


def _conninfo() -> str:
    conninfo = os.environ.get("SHOUWANG_DATABASE", "")
    if not conninfo:
        raise BadSetting(name="SHOUWANG_DATABASE", detail="it is not set")
    return conninfo


def _migrate() -> None:
    applied = migrate(_conninfo())
    print(f"migrations: {len(applied)} applied, {len(migrations()) - len(applied)} were there")


def _log(level: str) -> None:
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("aiokafka").setLevel(logging.WARNING)


def _writer() -> None:
    chosen = settings.read(WriterSettings, "SHOUWANG_WRITER_")
    _log(chosen.log)
    collect_rarely()
    if chosen.metrics_port:
        start_http_server(chosen.metrics_port, "127.0.0.1")

    async def run() -> None:
        writer = Writer(chosen, Metrics())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, writer.stop)
        await writer.run()

    asyncio.run(run())


def _keeper() -> None:
    chosen = settings.read(KeeperSettings, "SHOUWANG_KEEPER_")
    _log(chosen.log)
    collect_rarely()
    if chosen.metrics_port:
        start_http_server(chosen.metrics_port, "127.0.0.1")

    async def run() -> None:
        keeper = Keeper(chosen, Site.load())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, keeper.stop)
        await keeper.run()

    asyncio.run(run())


def _credentials() -> None:
    async def run() -> int:
        connection = await connect(_conninfo(), "credentials", lock_s=30)
        try:
            return await accounts.install(connection, Site.load())
        finally:
            await connection.close()

    print(f"accounts: {asyncio.run(run())} installed beside the bridge's")


VERBS = {
    "migrate": (_migrate, "bring the database to this program's schema"),
    "credentials": (_credentials, "put the MQTT accounts of the database into the broker"),
    "writer": (_writer, "frames and dead letters from Kafka into TimescaleDB"),
    "keeper": (_keeper, "home cards into the log, accounts into the broker, roll-ups, retention"),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m storage")
    words = parser.add_subparsers(dest="verb", required=True)
    for verb, (_, help_text) in VERBS.items():
        words.add_parser(verb, help=help_text)
    try:
        VERBS[parser.parse_args().verb][0]()
    except ShouwangError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
