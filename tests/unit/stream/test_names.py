"""Names as numbers, held against a dict."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.names import NONE, Names, as_names, names_in

NAMES = st.text(st.sampled_from("abc-0"), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(NAMES, max_size=30), max_size=6))
def test_each_name_keeps_the_number_of_its_first_appearance(calls: list[list[str]]) -> None:
    names, plain = Names(), dict[str, int]()
    for call in calls:
        expected = [plain.setdefault(name, len(plain)) for name in call]
        assert names.add(as_names(call)).tolist() == expected
    assert list(names) == list(plain)
    again = Names()
    again.restore(names.packed())
    wanted = [*plain, "unknown-name"]
    assert again.places(as_names(wanted)).tolist() == [plain.get(name, NONE) for name in wanted]


def test_many_names_meet_in_the_table_and_are_told_apart() -> None:
    names = Names()
    every = [f"home-{number}" for number in range(5_000)]
    for first in range(0, len(every), 700):
        names.add(as_names(every[first : first + 700]))
    assert names.places(as_names(every)).tolist() == list(range(5_000))
    assert names.place("home-5000") == NONE
    assert ("home-7" in names, "home-" in names) == (True, False)


def test_a_name_is_the_same_in_a_wider_column() -> None:
    names = Names()
    assert names.add(as_names(["short"])).tolist() == [0]
    assert names.add(as_names(["a-name-that-is-much-longer-than-8-bytes", "short"])).tolist() == [1, 0]


@given(st.lists(st.lists(NAMES, max_size=10), max_size=3), st.integers(0, 3))
def test_arrows_strings_are_read_as_they_are_also_from_slices(parts: list[list[str]], skip: int) -> None:
    columns = [pa.array(part, type=pa.utf8()).slice(min(skip, len(part))) for part in parts]
    assert [name.decode() for name in names_in(columns).tolist()] == [name for part in parts for name in part[skip:]]


def test_no_names_are_no_names() -> None:
    assert names_in([]).tolist() == []
    assert Names().places(np.zeros(0, dtype="S8")).tolist() == []
