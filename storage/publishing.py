"""Home cards into the log: current ones on ``homes.v1``, and as rows of kind ``card`` in both lanes, where a replay meets them again.

At least once: a card counts as published when Kafka holds all three; after a crash in between it is sent again with the same version,
which readers drop.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from contracts import home_cards
from contracts.frames import Envelope, FrameBuilder, FrameMeta
from contracts.kinds import DEVICE, Card
from contracts.partitions import partition_of
from contracts.topics import HOMES, LANE_TOPIC
from storage.database import Connection
from storage.queries import Row, execute, fetch_all, query

TO_PUBLISH = query("cards_to_publish")
PUBLISHED = query("cards_published")
DEVICE_ID = "card"
"""``device_id`` of a card's row; its ``seq`` is the card's version, so that a repeat is known as one."""


def frames_of(cards: Sequence[tuple[str, Card]], partitions: int, at_s: float) -> list[tuple[str, int, bytes]]:
    """(topic, partition, value) of the frames that carry these cards into both lanes. ``at_s``: wall clock."""
    found: list[tuple[str, int, bytes]] = []
    for lane, topic in LANE_TOPIC.items():
        builders: dict[int, FrameBuilder] = {}
        for home_id, card in cards:
            builder = builders.setdefault(partition_of(home_id, partitions), FrameBuilder())
            envelope = Envelope(home_id, DEVICE_ID, None, None, at_s, at_s, at_s, DEVICE, 0, card.version)
            builder.add("card", envelope, card)
        meta = FrameMeta(source="", lane=lane, watched_until_s=None, sent_wall_s=at_s)
        found += [(topic, partition, builder.build(meta)) for partition, builder in sorted(builders.items())]
    return found


async def publish(connection: Connection, producer: AIOKafkaProducer, partitions: int, at_most: int = 500) -> int:
    """Put up to ``at_most`` changed cards into the log; returns how many. Raises KafkaError, then they are tried again."""
    rows: list[Row] = await fetch_all(connection, TO_PUBLISH, at_most=at_most)
    if not rows:
        return 0
    cards = [(row["home_id"], home_cards.decode(bytes(row["card"]))) for row in rows]
    # The lanes first: a worker that begins with homes.v1 must not know a card that its log lacks.
    await _sent(
        producer,
        [(topic, value, None, partition) for topic, partition, value in frames_of(cards, partitions, time.time())],
    )
    values = [
        (HOMES, bytes(row["card"]), row["home_id"].encode(), partition_of(row["home_id"], partitions)) for row in rows
    ]
    await _sent(producer, values)
    homes, versions = [row["home_id"] for row in rows], [row["version"] for row in rows]
    await execute(connection, PUBLISHED, home_ids=homes, versions=versions)
    return len(rows)


async def _sent(producer: AIOKafkaProducer, records: Sequence[tuple[str, bytes, bytes | None, int]]) -> None:
    pending: list[Any] = [
        await producer.send(topic, value, key=key, partition=partition) for topic, value, key, partition in records
    ]
    await asyncio.gather(*pending)
