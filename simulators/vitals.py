"""What is measured on or near the body: a wearable's minute values, a bed's, a fall radar's. Pure but for the noise it is handed."""

from functools import lru_cache
from random import Random
from typing import Any

from simulators.residents import Act, Stay

_EFFORT: dict[Act, float] = {
    "sleep": -9, "nap": -5, "doze": -4, "lying": 6, "sit": 0, "tv": 0, "eat": 4, "visit": 3, "bath": 10, "toilet": 5, "wash": 9, "walk": 14,
    "balcony": 6, "drink": 8, "dishes": 10, "cook": 10, "out": 18,
}  # fmt: skip
"""Heart beats a minute above rest."""
_STEPS: dict[Act, float] = {
    "walk": 25,
    "out": 45,
    "cook": 8,
    "dishes": 4,
    "drink": 15,
    "balcony": 6,
    "wash": 5,
    "visit": 2,
}
"""Steps a minute."""
_POSTURE: dict[Act, str] = {
    "toilet": "sitting",
    "wash": "standing",
    "bath": "standing",
    "lying": "low",
}
RADAR_BEAT_S = 60.0
BED_BEAT_S = 300.0

Values = dict[str, Any]


def wears_at(seed: str, stay: Stay) -> bool:
    """Whether the watch is on the wrist: off in the bath, at night only with some, and on some days it lies on the charger."""
    own = Random(f"{seed}/watch")
    all_night, forgets = own.random() < 0.4, own.uniform(0.0, 0.25)
    if stay.act == "bath" or (stay.act == "sleep" and not all_night):
        return False
    return Random(f"{seed}/watch/{int((stay.start_s + 4 * 3600) // 86_400)}").random() >= forgets


@lru_cache(maxsize=4096)
def resting_bpm(seed: str) -> float:
    """Heart rate at rest of the resident of a home's seed."""
    return Random(f"{seed}/heart").uniform(58, 74)


def vitals_reading(seed: str, rng: Random, stay: Stay) -> Values:
    """One minute of a wearable. Now and then the light sensor sees nothing: then there is no value, and no zero."""
    rest = resting_bpm(seed)
    values: Values = {"duration_s": 60.0, "skin_temp_c": round(rng.gauss(32.6, 0.4), 1)}
    steps = _STEPS.get(stay.act, 0)
    values["steps"] = max(0, round(rng.gauss(steps, steps / 3))) if steps else 0
    if rng.random() > 0.04:
        values["heart_rate_bpm"] = round(max(42.0, rng.gauss(rest + _EFFORT[stay.act], 3.0)))
    if rng.random() > 0.5:
        values["spo2_pct"] = round(min(100.0, max(91.0, rng.gauss(96.6, 0.8))))
    return values


def radar_reading(seed: str, stay: Stay) -> list[tuple[float, Values]]:
    """The bathroom's radar: someone there and how, every minute; nobody there at the end."""
    if stay.room != "bathroom":
        return []
    rng = Random(f"{seed}/radar/{stay.start_s:.0f}/{stay.act}")
    found: list[tuple[float, Values]] = [(stay.start_s + rng.uniform(0.5, 2), {"present": True, "posture": "walking"})]
    at_s = stay.start_s + 20
    while at_s < stay.end_s - 5:
        values: Values = {
            "present": True,
            "posture": _POSTURE.get(stay.act, "standing"),
        }
        if values["posture"] in ("sitting", "low"):
            values["breathing_rate_bpm"] = round(rng.gauss(16, 1.5), 1)
        found.append((at_s, values))
        at_s += RADAR_BEAT_S
    return [*found, (stay.end_s - 0.5, {"present": False})]


def bed_reading(seed: str, stay: Stay) -> list[tuple[float, Values]]:
    """The bed: in and out, and every five minutes how the sleeper breathes."""
    if stay.act not in ("sleep", "nap"):
        return []
    rng = Random(f"{seed}/bed/{stay.start_s:.0f}")
    found: list[tuple[float, Values]] = []
    at_s = stay.start_s + 4
    while at_s < stay.end_s - 10:
        found.append(
            (
                at_s,
                {
                    "present": True,
                    "posture": "lying",
                    "breathing_rate_bpm": round(rng.gauss(14, 1), 1),
                    "heart_rate_bpm": round(rng.gauss(60, 3)),
                },
            )
        )
        at_s += BED_BEAT_S
    return [*found, (stay.end_s - 2, {"present": False})]
