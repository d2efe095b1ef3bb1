"""``python -m ingest``: one bridge, until SIGTERM."""

import asyncio
import logging
import os
import signal
import sys

from contracts.collector import collect_rarely
from contracts.errors import ShouwangError
from contracts.settings import read
from ingest import state_file
from ingest.bridge import Bridge
from ingest.clocks import read_clock
from ingest.settings import IngestSettings

LEAVE_S = 4.5
"""A bridge told to stop is gone after this, s. What matters is done before: see ``Bridge._leave``."""


async def bridge(settings: IngestSettings) -> None:
    """Run a bridge until SIGTERM or SIGINT."""
    before = state_file.read(settings.data, settings.source)
    clock = read_clock(settings.clock, not_before_s=before.now_s if before and before.clock == "wall" else 0.0)
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def leave() -> None:
        stop.set()
        loop.call_later(LEAVE_S, os._exit, 0)  # whatever a library still waits for then is of no use to anybody

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, leave)
    await Bridge(settings, clock, before).run(stop)


def main() -> int:
    """0 after a graceful stop, 2 where the settings cannot work, 1 after a fault."""
    try:
        settings = read(IngestSettings, "SHOUWANG_INGEST_")
        logging.basicConfig(level=settings.log, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        for chatty in ("aiokafka", "kafka"):
            logging.getLogger(chatty).setLevel(logging.ERROR)  # our own lines say it once and in our words
        collect_rarely()
        asyncio.run(bridge(settings))
    except ShouwangError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
