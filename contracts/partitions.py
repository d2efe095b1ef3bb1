"""Which partition a home belongs to: murmur2 of the key, as Kafka's own default partitioner computes it."""

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=1_000_000)
def partition_of(home_id: str, partitions: int) -> int:
    """Partition of ``home_id`` among ``partitions`` (Kafka: ``toPositive(murmur2(key)) % n``)."""
    return int((murmur2(home_id.encode()) & 0x7FFFFFFF) % partitions)
