"""What is withheld of figures, so that nobody is told by what is left."""

import pytest

from storage import upstream


def cells(**people):
    return [
        {"area": "330282001", "month": "", "dimension": "d", "value": value, "counted": count, "people": count}
        for value, count in people.items()
    ]


def told(rows):
    return {each.value: each.number for each in upstream.withhold("people", rows)}


def test_a_figure_about_fewer_than_five_is_withheld_and_its_smallest_neighbour_with_it():
    assert told(cells(a=100, b=5, c=4)) == {"a": 100, "b": None, "c": None}
    assert told(cells(a=100, b=5)) == {"a": 100, "b": 5}


@pytest.mark.parametrize(
    "counts", [{"a": 4}, {"a": 4, "b": 7}, {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2, "c": 90, "d": 6}]
)
def test_the_sum_of_all_less_what_is_told_is_never_about_few_of_many(counts):
    found = told(cells(**counts))
    hidden = sum(counts[value] for value, count in found.items() if count is None)
    assert hidden == sum(counts.values()) or hidden >= upstream.SMALLEST
    assert not any(count is not None and count < upstream.SMALLEST for count in found.values())


def test_many_events_of_few_people_are_withheld_too():
    rows = [{"area": "330282001", "month": "2026-10", "dimension": "how", "value": "door", "counted": 40, "people": 2}]
    (found,) = upstream.withhold("visits", rows)
    assert (found.number, found.withheld) == (None, True)


def test_each_town_and_dimension_is_looked_at_by_itself():
    rows = [row | {"dimension": dimension} for dimension in ("d", "e") for row in cells(a=9)] + [
        row | {"area": "330282002"} for row in cells(a=2)
    ]
    assert [(each.area, each.number) for each in upstream.withhold("people", rows)] == [
        ("330282001", 9),
        ("330282001", 9),
        ("330282002", None),
    ]
