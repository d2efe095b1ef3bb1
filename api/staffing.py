"""For which times too few are planned. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple


class Planned(NamedTuple):
    """Somebody planned."""

    area_prefix: str
    user_name: str
    from_at: datetime
    to_at: datetime


class Stretch(NamedTuple):
    """A time for which fewer are planned than should be there."""

    area_prefix: str
    from_at: datetime
    to_at: datetime
    planned: int
    least: int


def thin(planned: Sequence[Planned], least: Mapping[str, int], from_at: datetime, to_at: datetime) -> list[Stretch]:
    """Times between the two instants, by centre, joined where the number stays the same. A centre that plans nobody at all has no rota to be thin."""
    found: list[Stretch] = []
    for area_prefix in sorted({each.area_prefix for each in planned} & least.keys()):
        here = [each for each in planned if each.area_prefix == area_prefix]
        edges = {from_at, to_at} | {at for each in here for at in (each.from_at, each.to_at) if from_at < at < to_at}
        cuts = sorted(edges)
        for begin, end in pairwise(cuts):
            count = len({each.user_name for each in here if each.from_at <= begin and each.to_at >= end})
            if count >= least[area_prefix]:
                continue
            before = found[-1] if found else None
            if before and (before.area_prefix, before.to_at, before.planned) == (area_prefix, begin, count):
                found[-1] = before._replace(to_at=end)
            else:
                found.append(Stretch(area_prefix, begin, end, count, least[area_prefix]))
    return found
