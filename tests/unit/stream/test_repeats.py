"""The window of identities, held against a plain model of it."""

from collections import deque

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.repeats import REPEAT_S, WINDOW, Repeats, ranks


class Plain:
    """The same rule, one row at a time."""

    def __init__(self) -> None:
        self._last: dict[int, deque[tuple[tuple[int, int, int], float]]] = {}

    def fresh(self, device: int, kind: int, boot: int, seq: int, received_s: float) -> bool:
        last = self._last.setdefault(device, deque(maxlen=WINDOW))
        key = (kind, boot, seq)
        known = [at_s for other, at_s in last if other == key and (boot >= 0 or received_s - at_s <= REPEAT_S)]
        last.append((key, min(known) if known else received_s))
        return not known


ROWS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from((0, 5)),
        st.sampled_from((-1, 1, 2)),
        st.integers(0, 6),
        st.sampled_from((0.0, 1.0, 59.0, 200.0)),
    ),
    max_size=200,
)


def columns(rows: list[tuple[int, int, int, int, float]]) -> tuple[np.ndarray, ...]:
    device, kind, boot, seq = (np.array([row[i] for row in rows], dtype=np.int64) for i in range(4))
    return device, kind, boot, seq, np.array([row[4] for row in rows])


@settings(max_examples=60, deadline=None)
@given(steps=ROWS, cut=st.integers(1, 50))
def test_the_rings_know_what_a_plain_list_knows(steps: list[tuple[int, int, int, int, float]], cut: int) -> None:
    now_s, rows = 1000.0, []
    for *identity, gap_s in steps:
        now_s += gap_s
        rows.append((*identity, now_s))
    plain, rings = Plain(), Repeats()
    expected = [plain.fresh(*row) for row in rows]
    found: list[bool] = []
    for first in range(0, len(rows), cut):
        found += rings.fresh(*columns(rows[first : first + cut])).tolist()
    assert found == expected


def test_a_device_that_counts_is_known_again_much_later() -> None:
    rings = Repeats()
    assert rings.fresh(*columns([(0, 1, 1, 7, 0.0)])).tolist() == [True]
    assert rings.fresh(*columns([(0, 1, 1, 7, 1e6)])).tolist() == [False]


def test_the_same_payload_an_hour_later_is_meant_in_earnest() -> None:
    rings = Repeats()
    assert rings.fresh(*columns([(0, 1, -1, 99, 0.0), (0, 1, -1, 99, 30.0), (0, 1, -1, 99, 3600.0)])).tolist() == [
        True,
        False,
        True,
    ]


def test_a_sensor_that_says_the_same_every_fifty_seconds_is_not_silenced() -> None:
    rings = Repeats()
    rows = [(0, 1, -1, 99, 50.0 * n) for n in range(10)]
    assert rings.fresh(*columns(rows)).sum() == 5


def test_one_message_that_became_rows_of_two_kinds_is_two_rows() -> None:
    rings = Repeats()
    assert rings.fresh(*columns([(0, 1, -1, 99, 0.0), (0, 2, -1, 99, 0.0)])).all()


def test_a_backlog_longer_than_the_window_passes_once() -> None:
    rings = Repeats()
    rows = [(0, 1, 1, seq, 0.0) for seq in range(3 * WINDOW)]
    assert rings.fresh(*columns(rows)).all()
    assert not rings.fresh(*columns(rows[-WINDOW:])).any()


def test_a_snapshot_keeps_the_window() -> None:
    rings = Repeats()
    rings.fresh(*columns([(0, 1, 1, 7, 0.0)]))
    again = Repeats()
    again.restore(rings.packed())
    assert not again.fresh(*columns([(0, 1, 1, 7, 0.0)])).any()


@given(st.lists(st.integers(0, 4)))
def test_ranks_count_equal_entries_before(values: list[int]) -> None:
    assert ranks(np.array(values, dtype=np.int64)).tolist() == [
        values[:at].count(value) for at, value in enumerate(values)
    ]
