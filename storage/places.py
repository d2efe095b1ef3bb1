"""Which partitions a topic has, asked of Kafka itself: a consumer without a subscription does not know."""

from collections.abc import Sequence

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from storage.errors import NoLog


async def places_of(kafka: str, topics: Sequence[str]) -> list[TopicPartition]:
    """All partitions of these topics, in order. Raises NoLog where one is missing, KafkaConnectionError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        described = {each["topic"]: each for each in await admin.describe_topics(list(topics))}
    finally:
        await admin.close()
    for topic in topics:
        if topic not in described or described[topic]["error_code"] or not described[topic]["partitions"]:
            raise NoLog(topic=topic)
    return [
        TopicPartition(topic, partition)
        for topic in topics
        for partition in sorted(part["partition"] for part in described[topic]["partitions"])
    ]
