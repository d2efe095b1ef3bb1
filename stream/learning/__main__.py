"""``python -m stream.learning``: learns each night; with ``--now`` at once, about all homes or those named."""

import argparse
import asyncio
import logging
import signal
import sys

from contracts import settings
from contracts.errors import ShouwangError
from storage.database import Connection, connect
from stream.learning.nightly import every_night, learn_all
from stream.learning.settings import LearnerSettings


async def _now(chosen: LearnerSettings, homes: list[str]) -> None:
    connection = await connect(chosen.database, "learner", lock_s=10, idle_s=60)
    try:
        night = await learn_all(connection, homes or None)
    finally:
        await connection.close()
    print(f"learned: {night.learned} of {night.homes} homes had enough days, {night.cards_changed} cards changed")


async def _every_night(chosen: LearnerSettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    async def opened() -> Connection:
        return await connect(chosen.database, "learner", lock_s=10, idle_s=60)

    await every_night(opened, chosen.hour, chosen.minute, chosen.zone, stop)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m stream.learning")
    parser.add_argument("--now", action="store_true", help="one round at once, then end")
    parser.add_argument("--home", action="append", default=[], help="with --now: only this home; repeatable")
    args = parser.parse_args()
    try:
        chosen = settings.read(LearnerSettings, "SHOUWANG_LEARNER_")
        logging.basicConfig(level=chosen.log, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        asyncio.run(_now(chosen, args.home) if args.now or args.home else _every_night(chosen))
    except ShouwangError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
