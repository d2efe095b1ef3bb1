"""The stream's own worker with no detector but the bench's one: ``python -m bench.detection_worker``, settings SHOUWANG_STREAM_*.

As ``python -m stream bulk``, which cannot leave the shipped detectors out: a peer that is given one job is to be compared with one job.
"""

import asyncio
import sys

from bench.moving_average import DETECTOR, NAME
from contracts.errors import ShouwangError
from contracts.settings import read
from stream.__main__ import set_up_logging
from stream.places import partitions_of
from stream.settings import StreamSettings, check
from stream.worker import BulkWorker


def main() -> int:
    """Exit status as the stream's."""
    try:
        settings = check(read(StreamSettings, "SHOUWANG_STREAM_"))
        set_up_logging(settings.log_level)
        partitions = asyncio.run(partitions_of(settings.kafka, "bulk"))
        BulkWorker(settings, {NAME: DETECTOR}, partitions).execute()
    except ShouwangError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
