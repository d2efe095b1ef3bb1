"""A relative's day: what can be told, to the quarter of an hour, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.day import line, start_of_day

ZONE = "Asia/Shanghai"
MIDNIGHT = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
"""Local midnight."""


def row(
    hour: float, kind: str = "motion", role: str = "motion", room: str = "living", on: bool = True
) -> dict[str, Any]:
    return {"kind": kind, "role": role, "room": room, "minute_at": MIDNIGHT + timedelta(hours=hour), "on": on}


def told(rows: list[dict[str, Any]], now_h: float) -> list[tuple[str, float]]:
    rows = sorted(rows, key=lambda each: each["minute_at"])
    found = line(rows, MIDNIGHT + timedelta(hours=now_h), ZONE)
    return [(each.what, (each.at - MIDNIGHT).total_seconds() / 3600) for each in found]


def test_an_ordinary_day() -> None:
    kitchen = [row(7.1 + n / 20, room="kitchen") for n in range(4)] + [
        row(11.6, "power", "stove", "kitchen"),
        row(11.7, room="kitchen"),
        row(11.8, room="kitchen"),
    ]
    out = [
        row(14.0, "contact", "entrance_door", "entrance"),
        row(15.6, "contact", "entrance_door", "entrance"),
        row(15.7),
        row(15.75),
    ]
    bed = [row(21.3, "bed", "bed", "bedroom")]
    day = told([row(6.4), row(6.45), *kitchen, *out, *bed], 23.0)
    assert day == [("up", 6.25), ("meal", 7.0), ("meal", 11.5), ("out", 14.0), ("home", 15.5), ("in_bed", 21.25)]


def test_one_stray_motion_is_nobody_getting_up_and_a_walk_at_three_is_no_morning() -> None:
    assert told([row(3.0), row(3.05), row(6.4)], 8.0) == []


def test_who_went_to_the_door_and_came_back_in_was_not_out() -> None:
    assert told([row(14.0, "contact", "entrance_door", "entrance"), row(14.1)], 18.0) == []


def test_without_a_bed_sensor_nobody_is_said_to_be_in_bed() -> None:
    assert told([row(21.0, room="bedroom"), row(21.05, room="bedroom")], 23.9)[-1][0] != "in_bed"


def test_the_day_begins_at_local_midnight() -> None:
    assert start_of_day(MIDNIGHT + timedelta(hours=23.9), ZONE) == MIDNIGHT
    assert start_of_day(MIDNIGHT, ZONE) == MIDNIGHT


ROWS = st.lists(
    st.builds(
        row, st.floats(0, 23.9), st.sampled_from(["motion", "contact", "power", "bed"]), st.sampled_from(["motion", "entrance_door", "bed", "stove"]),
        st.sampled_from(["living", "kitchen", "bathroom"]), st.booleans(),
    ), max_size=40,
)  # fmt: skip


@given(ROWS)
def test_a_day_tells_quarters_of_hours_in_order_and_never_the_future(rows: list[dict[str, Any]]) -> None:
    found = line(sorted(rows, key=lambda each: each["minute_at"]), MIDNIGHT + timedelta(hours=24), ZONE)
    assert [each.at for each in found] == sorted(each.at for each in found)
    assert all(each.at.minute % 15 == 0 and each.at < MIDNIGHT + timedelta(hours=24) for each in found)
