"""Once a second: how far each partition is, on ``progress.v1``. It stands still when nobody reads the partition."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from aiokafka.errors import KafkaError

from contracts.clocks import now
from contracts.progress import Progress, encode
from contracts.topics import PROGRESS
from stream.partition import Partition
from stream.sends import Sender

log = logging.getLogger(__name__)

EVERY_S = 1.0


def reports(partition: Partition, group: str, worker: str, end_offset: int, now_s: float) -> list[Progress]:
    """Progress of a partition, one for each source; one without a source where nobody has spoken yet."""
    known = [(each.source, each.watched_until_s, each.clock) for each in partition.engine.standings()] or [
        ("", None, "wall")
    ]
    return [
        Progress(
            group=group,
            worker=worker,
            lane=partition.lane,
            partition=partition.number,
            source=source,
            watched_until_s=watched_until_s,
            clock=clock,
            offset=partition.next_offset - 1,
            lag=max(0, end_offset - partition.next_offset),
            frames=partition.frames,
            rows=partition.rows,
            at_wall_s=now_s,
        )
        for source, watched_until_s, clock in known
    ]


async def report_for_ever(
    partitions: Callable[[], Iterable[Partition]],
    end_offset: Callable[[Partition], int],
    group: str,
    worker: str,
    sender: Sender,
) -> None:
    """Say it once a second, until cancelled. A report that Kafka does not take is lost: the next one says more."""
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            for partition in list(partitions()):
                for progress in reports(partition, group, worker, end_offset(partition), now().timestamp()):
                    await sender.send_once(PROGRESS, encode(progress), str(partition.number).encode())
        except (KafkaError, OSError) as error:
            log.warning("progress was not taken by Kafka: %r", error)
