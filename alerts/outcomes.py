"""Outcome codes: what a case turned out to be. One is required to resolve. Chinese first, then English.

The list follows what watch centres use (true emergency by kind, assistance, false by cause, technical by cause).
"""

from typing import NamedTuple


class Outcome(NamedTuple):
    """One code. ``true_alarm``: somebody needed help, so it counts for the detectors that raised it.

    ``false_alarm``: nobody did, so it counts against them. Neither: it says nothing of them (a test, a duplicate, a device that truly failed).
    """

    zh: str
    en: str
    true_alarm: bool = False
    false_alarm: bool = False


OUTCOMES: dict[str, Outcome] = {
    "fall_injured": Outcome("真实跌倒，有受伤", "Fall, injured", True),
    "fall_not_injured": Outcome("真实跌倒，未受伤", "Fall, not injured", True),
    "medical": Outcome("突发疾病", "Medical emergency", True),
    "fire_gas": Outcome("火灾或燃气险情", "Fire or gas", True),
    "water": Outcome("漏水或水患", "Water", True),
    "wandering": Outcome("走失或夜间外出", "Wandering", True),
    "assistance": Outcome("需要协助，非紧急", "Assistance, no emergency", True),
    "wellbeing_call": Outcome("问候核实，平安", "Well-being call, all is well", False, True),
    "accidental_press": Outcome("误按", "Pressed by accident", False, True),
    "sensor_false": Outcome("传感器误报", "Sensor was wrong", False, True),
    "test": Outcome("测试", "Test"),
    "technical_battery": Outcome("技术问题：电池", "Technical: battery"),
    "technical_line": Outcome("技术问题：通信", "Technical: connection"),
    "technical_power": Outcome("技术问题：供电", "Technical: power"),
    "no_contact_attended": Outcome("联系不上，已派人到场", "No contact, somebody attended", True),
    "duplicate": Outcome("重复警情", "Duplicate"),
    "away_not_reported": Outcome("外出未告知", "Away, not reported", False, True),
    # Nobody at a desk chooses these: they end what was asked first.
    "resident_well": Outcome("住户本人回答平安", "The resident says that all is well", False, True),
    "kin_says_well": Outcome("亲属回答平安", "Kin say that all is well", False, True),
}
BY_ANSWER = ("resident_well", "kin_says_well")
OF_DESKS: tuple[str, ...] = tuple(code for code in OUTCOMES if code not in BY_ANSWER)
"""Codes that a desk may choose."""
UNSCRIPTED: frozenset[str] = frozenset({"test", "duplicate"})
"""Outcomes of which no steps are required: there was nothing to look after here."""


class Contact(NamedTuple):
    """Who was reached."""

    zh: str
    en: str


CONTACTS: dict[str, Contact] = {
    "resident": Contact("已联系上住户本人", "Spoke with the resident"),
    "kin": Contact("已联系上亲属", "Spoke with kin"),
    "on_site": Contact("到场人员已见到住户", "A responder saw the resident"),
    "nobody": Contact("都没有联系上", "Reached nobody"),
    "not_tried": Contact("未联系（说明原因）", "Nobody was called (say why)"),
}
"""What is said of the contact when a case is resolved."""
