"""Times for which too few are planned."""

from datetime import UTC, datetime, timedelta

from api.staffing import Planned, thin

NIGHT = datetime(2026, 3, 1, 20, tzinfo=UTC)


def hours(number: float) -> datetime:
    return NIGHT + timedelta(hours=number)


def duty(name: str, begin: float, end: float, area: str = "330282") -> Planned:
    return Planned(area, name, hours(begin), hours(end))


def found(planned: list[Planned], least: dict[str, int]) -> list[tuple[float, float, int]]:
    return [
        ((each.from_at - NIGHT).total_seconds() / 3600, (each.to_at - NIGHT).total_seconds() / 3600, each.planned)
        for each in thin(planned, least, NIGHT, hours(12))
    ]


def test_two_from_end_to_end_are_enough() -> None:
    assert found([duty("a", -1, 12), duty("b", 0, 13)], {"330282": 2}) == []


def test_the_hour_that_one_is_alone_and_the_hour_that_nobody_is_there_are_said() -> None:
    planned = [duty("a", 0, 8), duty("b", 0, 6), duty("c", 9, 12), duty("d", 8, 12)]
    assert found(planned, {"330282": 2}) == [(6, 9, 1)]
    assert found([duty("a", 0, 6), duty("b", 0, 6)], {"330282": 2}) == [(6, 12, 0)]


def test_one_who_is_planned_twice_is_one() -> None:
    assert found([duty("a", 0, 12), duty("a", 0, 12)], {"330282": 2}) == [(0, 12, 1)]


def test_a_centre_that_plans_nobody_has_no_rota_to_be_thin() -> None:
    assert found([], {"330282": 2}) == []
