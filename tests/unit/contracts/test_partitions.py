"""Partitions: a home lands where Kafka's own partitioner would put its key."""

import pytest
from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st

from contracts.partitions import partition_of


@pytest.mark.parametrize(
    ("key", "expected"),
    [  # from Kafka's own UtilsTest
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_murmur2_gives_the_values_that_kafka_gives(key: str, expected: int) -> None:
    assert murmur2(key.encode()) == expected % 2**32


@given(home_id=st.from_regex(r"[a-z0-9][a-z0-9-]{0,39}", fullmatch=True), partitions=st.integers(1, 64))
def test_a_home_is_in_one_partition_and_stays_there(home_id: str, partitions: int) -> None:
    found = partition_of(home_id, partitions)
    assert 0 <= found < partitions
    assert found == partition_of(home_id, partitions) == (murmur2(home_id.encode()) & 0x7FFFFFFF) % partitions


def test_homes_spread_over_all_partitions() -> None:
    counts = [0] * 16
    for number in range(1_600):
        counts[partition_of(f"home-{number}", 16)] += 1
    assert min(counts) > 50
