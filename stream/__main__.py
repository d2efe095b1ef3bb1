"""``python -m stream bulk`` (a member of the group) and ``python -m stream urgent`` (one of the pair)."""

import argparse
import asyncio
import logging
import sys

from aiokafka.errors import KafkaError
from prometheus_client import start_http_server

from contracts.collector import collect_rarely
from contracts.errors import ShouwangError
from contracts.settings import read
from stream import registry
from stream.memory import give_back_large
from stream.settings import StreamSettings, check

LOOPBACK = "127.0.0.1"


def main() -> int:
    """Exit status: 0 after SIGTERM, 2 where settings, a detector or a topic forbid the start."""
    parser = argparse.ArgumentParser(
        prog="python -m stream",
        description="Runs detectors over the frames of one lane. 探测 · settings: SHOUWANG_STREAM_*",
    )
    parser.add_argument("lane", choices=("bulk", "urgent"))
    lane = parser.parse_args().lane
    try:
        settings = check(read(StreamSettings, "SHOUWANG_STREAM_"))
        set_up_logging(settings.log_level)
        detectors = registry.discover(settings.detectors)
        if settings.metrics_port:
            start_http_server(settings.metrics_port, addr=LOOPBACK)
        collect_rarely()
        give_back_large()
        if lane == "urgent":
            from stream.urgent import UrgentWorker

            asyncio.run(UrgentWorker(settings, detectors).run())
        else:
            from stream.places import partitions_of

            partitions = asyncio.run(partitions_of(settings.kafka, "bulk"))
            from stream.worker import BulkWorker

            BulkWorker(settings, detectors, partitions).execute()
    except ShouwangError as error:
        print(f"stream {lane}: {error}", file=sys.stderr)
        return 2
    except (KafkaError, OSError) as error:
        print(f"stream {lane}: Kafka does not answer: {error!r}", file=sys.stderr)
        return 1
    return 0


def set_up_logging(level: str) -> None:
    """Lines to stderr; what Kafka's and Faust's own parts say only where it is a warning, or all is asked for."""
    logging.basicConfig(
        level=logging.getLevelNamesMapping()[level.upper()],
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    if level != "debug":
        for name in ("aiokafka", "faust", "mode"):
            logging.getLogger(name).setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
