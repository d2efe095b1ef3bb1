"""The admin job: create the topics of ``contracts.topics`` and check those that exist. Run before any stage starts.

``python -m contracts.admin``; settings SHOUWANG_KAFKA, SHOUWANG_PARTITIONS, SHOUWANG_REPLICATION.
"""

import asyncio
import os

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError

from contracts.errors import ShouwangError
from contracts.topics import PARTITIONS, TOPICS, KafkaTopic


class WrongPartitions(ShouwangError):
    """Topic {topic} has {found} partitions, {wanted} are asked for. Homes would move between partitions: keep SHOUWANG_PARTITIONS as it was, or empty the site."""


def partitions() -> int:
    """Partitions of the topics that follow homes, from SHOUWANG_PARTITIONS."""
    return int(os.environ.get("SHOUWANG_PARTITIONS", PARTITIONS))


def _count(topic: KafkaTopic) -> int:
    return partitions() if topic.partitions == "home" else topic.partitions


def _config(topic: KafkaTopic) -> dict[str, str]:
    # The broker's own time, so that a record dated in the past (a replay) is not deleted by retention at once.
    config = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(4 << 20)}
    if topic.keep_ms is None:
        return config | {"cleanup.policy": "compact", "segment.ms": "600000", "min.cleanable.dirty.ratio": "0.3"}
    return config | {"cleanup.policy": "delete", "retention.ms": str(topic.keep_ms)}


async def create_topics(kafka: str, replication: int = 1) -> list[str]:
    """Create what is missing; returns the names created. Raises WrongPartitions where an existing topic differs."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = [topic for topic in TOPICS if topic.name not in existing]
        for topic in missing:
            try:
                await admin.create_topics(
                    [NewTopic(topic.name, _count(topic), replication, topic_configs=_config(topic))], timeout_ms=30_000
                )
            except TopicAlreadyExistsError:
                pass  # two admin jobs at once: the other was faster, its count is checked below
        for description in await admin.describe_topics([topic.name for topic in TOPICS]):
            wanted = next(_count(topic) for topic in TOPICS if topic.name == description["topic"])
            found = len(description["partitions"])
            if found != wanted and description["topic"] not in {topic.name for topic in missing}:
                raise WrongPartitions(topic=description["topic"], found=found, wanted=wanted)
        return [topic.name for topic in missing]
    finally:
        await admin.close()


if __name__ == "__main__":
    created = asyncio.run(create_topics(os.environ["SHOUWANG_KAFKA"], int(os.environ.get("SHOUWANG_REPLICATION", "1"))))
    print(f"topics: {len(created)} created, {len(TOPICS) - len(created)} were there")
