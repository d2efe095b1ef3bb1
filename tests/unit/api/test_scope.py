"""Whom a transaction serves: bounds instead of prefixes, and nobody unless somebody was recognised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.scope import NOBODY, OURSELVES, bounds, current, of_user, serving

DIGITS = st.text("0123456789", max_size=12)


@given(DIGITS, st.text("0123456789", min_size=12, max_size=12))
def test_an_area_code_is_within_the_bounds_exactly_if_it_begins_with_the_prefix(prefix: str, code: str) -> None:
    low, high = bounds(prefix)
    assert (low <= code < high) == code.startswith(prefix)


def test_nobodys_bounds_hold_no_area_at_all() -> None:
    assert not any(NOBODY.area_from <= code < NOBODY.area_to for code in ("", "0", "330282001001", ":"))


@pytest.mark.parametrize("role", ["family", "helper"])
@pytest.mark.parametrize("prefix", ["", "3302"])
def test_a_family_and_a_helper_have_no_area_whatever_their_prefix_says(prefix: str, role: str) -> None:
    scope = of_user("daughter", role, prefix, ["shen"], ["shen-ada"])
    assert (scope.area_from, scope.area_to, scope.homes, scope.residents) == ("", "", ("shen",), ("shen-ada",))


def test_who_is_served_ends_with_the_work_also_when_it_fails() -> None:
    def fail() -> None:
        with serving(OURSELVES):
            assert current.get() is OURSELVES
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert current.get() is NOBODY
