"""The script of each family: what a desk goes through, and which steps must be done before a case is over. Chinese first, then English.

Chosen after what watch centres ask of their operators (protocol steps, required ones block the closing); an installation's own protocol changes it here.
"""

from collections.abc import Iterable
from typing import NamedTuple

from alerts.outcomes import UNSCRIPTED
from contracts.detections import Family


class Step(NamedTuple):
    """One step. ``required``: without it the case cannot be resolved."""

    code: str
    zh: str
    en: str
    required: bool = False


_SPOKEN = Step(
    "spoke", "已与住户或在场的人通话，或已派人到场", "Spoke with the resident or somebody there, or sent somebody", True
)
_HURT = Step("hurt", "已询问伤痛、意识和能否起身", "Asked about pain, consciousness and getting up", True)
_KIN = Step("kin", "已告知亲属", "Told kin")
_OUT = Step("out", "已确认人员撤离、通风", "Made sure that people are out and it is aired", True)
_FIRE = Step("fire", "需要时已拨 119 或燃气公司", "Called 119 or the gas company if needed")
_OFF = Step("off", "已确认灶具关闭", "Made sure that the stove is off", True)

SCRIPTS: dict[Family, tuple[Step, ...]] = {
    "sos": (_SPOKEN, _HURT, _KIN),
    "fall": (_SPOKEN, _HURT, _KIN),
    "no_life": (_SPOKEN, _KIN),
    "smoke": (_SPOKEN, _OUT, _FIRE, _KIN),
    "gas": (_SPOKEN, _OUT, _FIRE, _KIN),
    "co": (_SPOKEN, _OUT, _HURT, _FIRE, _KIN),
    "stove": (_OFF, _KIN),
    "water": (),
    "wandering": (Step("found", "已确认住户在何处", "Know where the resident is", True), _KIN),
    "vitals": (_SPOKEN, _HURT, _KIN),
    "food": (),
    "technical": (),
}


def missing(family: Family, outcome: str, done: Iterable[str]) -> list[str]:
    """Required steps that were not done, in order."""
    if outcome in UNSCRIPTED:
        return []
    held = set(done)
    return [step.code for step in SCRIPTS[family] if step.required and step.code not in held]
