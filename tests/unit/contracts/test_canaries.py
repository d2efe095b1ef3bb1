"""Canaries as two processes know them: where they live, and whose they are."""

import pytest

from contracts import canaries
from contracts.partitions import partition_of

KEY = b"k" * 32


@pytest.mark.parametrize("partitions", [1, 3, 16, 64])
def test_every_partition_has_a_home_that_falls_into_it(partitions: int) -> None:
    homes = canaries.homes(partitions)
    assert [partition_of(home_id, partitions) for home_id in homes] == list(range(partitions))


def test_a_canary_is_known_by_its_key_place_and_instant() -> None:
    word = canaries.signed(KEY, "canary-3", "urgent", 1_760_000_000_123)
    assert canaries.is_ours(KEY, word)
    assert not canaries.is_ours(b"x" * 32, word)
    for change in (
        {"home_id": "canary-4"},
        {"lane": "bulk"},
        {"sent_at_ms": 1_760_000_000_124},
        {"signature": "0" * 64},
        {"signature": "é"},
    ):
        assert not canaries.is_ours(KEY, canaries.Word(**{**_fields(word), **change})), change  # fmt: skip


def test_the_instant_is_kept_to_the_millisecond() -> None:
    word = canaries.signed(KEY, "canary-3", "bulk", 1_760_000_000_123)
    assert round(word.sent_at.timestamp() * 1000) == word.sent_at_ms
    assert word.sent_at.microsecond == 123_000


def _fields(word: canaries.Word) -> dict[str, object]:
    return {name: getattr(word, name) for name in word.__struct_fields__}
