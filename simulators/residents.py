"""How a resident spends a day: where they are, doing what, from when to when. Pure and seeded: the same day is always the same.

A day runs from getting up to getting up; each day is drawn from the home's seed and its number alone, so any stretch of
time can be made without what came before. Frequencies are chosen to look like the real homes of our recordings and the care
facts known (one to three toilet visits a night are usual in old age), not fitted to one of them.
"""

from collections.abc import Iterator
from random import Random
from typing import Literal, NamedTuple

from simulators.clock import is_weekend, local_day, midnight_s

Act = Literal[
    "sleep", "toilet", "wash", "bath", "cook", "eat", "dishes", "drink", "sit", "doze", "tv", "walk", "balcony", "nap", "out", "visit",
    "lying",
]  # fmt: skip


class Stay(NamedTuple):
    """A stretch of time in one room. ``out``: the room is ``outside``. ``lying``: fallen, cannot get up."""

    start_s: float
    end_s: float
    room: str
    act: Act

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


class Habits(NamedTuple):
    """What distinguishes one resident from another. Hours are local, durations in minutes, shares 0 to 1."""

    up_h: float
    bed_h: float
    night_visits: float
    lunch_h: float
    supper_h: float
    cooking: float
    """Factor on the time spent at the stove."""
    nap_share: float
    nap_min: float
    morning_out_share: float
    afternoon_out_share: float
    out_min: float
    bath_days: tuple[int, ...]
    visit_days: tuple[int, ...]
    sociable: float
    """Chance of a visitor on any other day."""


def habits(seed: str) -> Habits:
    """The resident of a home's ``seed``."""
    rng = Random(f"{seed}/habits")
    return Habits(
        up_h=rng.uniform(5.0, 6.8),
        bed_h=rng.uniform(20.3, 22.3),
        night_visits=rng.uniform(0.6, 2.8),
        lunch_h=rng.uniform(10.6, 11.7),
        supper_h=rng.uniform(16.6, 17.9),
        cooking=rng.uniform(0.7, 1.4),
        nap_share=rng.uniform(0.4, 0.95),
        nap_min=rng.uniform(30, 75),
        morning_out_share=rng.uniform(0.3, 0.9),
        afternoon_out_share=rng.uniform(0.2, 0.7),
        out_min=rng.uniform(35, 80),
        bath_days=tuple(sorted(rng.sample(range(7), rng.choice((2, 3, 4))))),
        visit_days=(rng.choice((5, 6)),),
        sociable=rng.uniform(0.02, 0.12),
    )


class _Day:
    """Stays in the order of the day; ``at_s`` is how far it has been told."""

    def __init__(self, start_s: float, rng: Random) -> None:
        self.at_s = start_s
        self.rng = rng
        self.stays: list[Stay] = []
        self._toilet_at_s = start_s + rng.uniform(60, 150) * 60

    def stay(
        self,
        room: str,
        act: Act,
        mean_min: float,
        spread: float = 0.35,
        least_min: float = 1.0,
    ) -> None:
        """Stay for about ``mean_min`` minutes."""
        minutes = max(least_min, self.rng.gauss(mean_min, mean_min * spread))
        self.until(self.at_s + minutes * 60, room, act)

    def until(self, end_s: float, room: str, act: Act) -> None:
        if end_s > self.at_s:
            self.stays.append(Stay(self.at_s, end_s, room, act))
            self.at_s = end_s

    def toilet(self) -> None:
        self.stay("bathroom", "toilet", 5, least_min=2)
        self._toilet_at_s = self.at_s + self.rng.uniform(70, 190) * 60

    def potter_until(self, end_s: float, evening: bool = False) -> None:
        """Be at home and awake until ``end_s``: sitting, dozing, a drink, the balcony, the toilet when it is time."""
        while self.at_s < end_s - 60:
            if self.at_s >= self._toilet_at_s:
                self.toilet()
            draw = self.rng.random()
            left_min = (end_s - self.at_s) / 60
            if left_min <= 0:
                return
            if evening or draw < 0.45:
                self.until(
                    min(end_s, self.at_s + self.rng.uniform(12, 45) * 60),
                    "living",
                    "tv" if evening or draw < 0.25 else "sit",
                )
            elif draw < 0.55:
                self.until(
                    min(end_s, self.at_s + self.rng.uniform(10, 35) * 60),
                    "living",
                    "doze",
                )
            elif draw < 0.75:
                self.until(
                    min(end_s, self.at_s + self.rng.uniform(1.5, 6) * 60),
                    "kitchen",
                    "drink",
                )
            elif draw < 0.88:
                self.until(
                    min(end_s, self.at_s + self.rng.uniform(3, 12) * 60),
                    "bedroom",
                    "walk",
                )
            else:
                self.until(
                    min(end_s, self.at_s + self.rng.uniform(4, 15) * 60),
                    "balcony",
                    "balcony",
                )

    def meal(self, cook_min: float, eat_min: float) -> None:
        self.stay("kitchen", "cook", cook_min, 0.25, least_min=5)
        self.stay("living", "eat", eat_min, 0.25, least_min=5)
        self.stay("kitchen", "dishes", 6, 0.3, least_min=2)

    def outing(self, mean_min: float) -> None:
        self.stay("entrance", "walk", 1.5, 0.3, least_min=0.7)
        self.stay("outside", "out", mean_min, 0.4, least_min=12)
        self.stay("entrance", "walk", 1.5, 0.3, least_min=0.7)


def _up_s(seed: str, own: Habits, day: int) -> float:
    rng = Random(f"{seed}/up/{day}")
    return midnight_s(day) + (own.up_h + rng.gauss(0.35 if is_weekend(day) else 0.0, 0.3)) * 3600


def _night(day: _Day, own: Habits, up_s: float) -> None:
    """Sleep until ``up_s``, with visits to the toilet."""
    visits = min(5, sum(day.rng.random() < own.night_visits / 4 for _ in range(4)))
    begin_s, slept_s = day.at_s, up_s - day.at_s
    for moment_s in sorted(begin_s + slept_s * day.rng.uniform(0.12, 0.92) for _ in range(visits)):
        if moment_s > day.at_s + 1200 and moment_s < up_s - 1500:
            day.until(moment_s, "bedroom", "sleep")
            day.stay("bathroom", "toilet", 5, least_min=2)
            if day.rng.random() < 0.15:
                day.stay("kitchen", "drink", 2.5)
    day.until(up_s, "bedroom", "sleep")


def live_day(seed: str, number: int) -> list[Stay]:
    """All stays from getting up on local day ``number`` to getting up on the next, without a gap."""
    own = habits(seed)
    rng = Random(f"{seed}/day/{number}")
    up_s, midnight = _up_s(seed, own, number), midnight_s(number)
    day = _Day(up_s, rng)
    day.stay("bedroom", "walk", 4)
    day.stay("bathroom", "wash", 10, least_min=4)
    day.potter_until(up_s + rng.uniform(20, 40) * 60)
    day.meal(13 * own.cooking, 14)
    lunch_s = midnight + (own.lunch_h + rng.gauss(0, 0.2)) * 3600
    if rng.random() < own.morning_out_share and lunch_s - day.at_s > 1.6 * own.out_min * 60:
        day.potter_until(day.at_s + rng.uniform(0, max(0.0, lunch_s - day.at_s - 1.6 * own.out_min * 60)))
        day.outing(own.out_min)
    day.potter_until(lunch_s)
    day.meal(26 * own.cooking, 20)
    if rng.random() < own.nap_share:
        day.potter_until(day.at_s + rng.uniform(5, 30) * 60)
        day.stay("bedroom", "nap", own.nap_min, 0.25, least_min=15)
    supper_s = midnight + (own.supper_h + rng.gauss(0, 0.2)) * 3600
    weekday = (number + 3) % 7
    if weekday in own.visit_days or rng.random() < own.sociable:
        day.potter_until(day.at_s + rng.uniform(5, 40) * 60)
        day.until(min(supper_s - 600, day.at_s + rng.uniform(40, 110) * 60), "living", "visit")
    elif rng.random() < own.afternoon_out_share and supper_s - day.at_s > 1.6 * own.out_min * 60:
        day.potter_until(day.at_s + rng.uniform(0, max(0.0, supper_s - day.at_s - 1.6 * own.out_min * 60)))
        day.outing(own.out_min)
    day.potter_until(supper_s)
    day.meal(22 * own.cooking, 20)
    bed_s = midnight + (own.bed_h + rng.gauss(0, 0.3)) * 3600
    if weekday in own.bath_days:
        day.potter_until(bed_s - rng.uniform(50, 90) * 60, evening=True)
        day.stay("bathroom", "bath", 18, 0.25, least_min=8)
    day.potter_until(bed_s, evening=True)
    day.stay("bathroom", "wash", 7, least_min=3)
    _night(day, own, _up_s(seed, own, number + 1))
    return day.stays


def live(seed: str, start_s: float, end_s: float) -> Iterator[Stay]:
    """Stays from ``start_s`` to ``end_s``, cut at both, without a gap."""
    for number in range(local_day(start_s) - 1, local_day(end_s) + 1):
        for stay in live_day(seed, number):
            if stay.end_s > start_s and stay.start_s < end_s:
                yield stay._replace(start_s=max(stay.start_s, start_s), end_s=min(stay.end_s, end_s))
