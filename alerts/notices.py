"""Who is told of a case beside the consoles, at which rung, and when again. Pure.

A case that waits in the queue climbs the ladder (``Rules.ladder``); each rung reached names kinds of recipients. Each (case, spell, priority, rung,
recipient) is told once; a *spell* is one time of waiting, so nobody is told after somebody took the case, and everybody again when he lets go. (Unless
the desk that has it asks for a rung by hand: then that rung is told.) What fails is tried again while the case waits. What a crash left in the middle
is sent again for a P1 and for nothing else: a P1 may be told twice, never not at all.

Kin who agreed hear of a P1 at once (rung 0), at the same moment as the centre, whoever has it: that a desk works on it is no news to a daughter who
knows of nothing. Once a case, and again only when it was over and is opened again (``docs/decisions/0036``).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from alerts.cases import OWNED, Case
from alerts.rules import REVIEW, Rules
from contracts.detections import Family

Kind = Literal["desk", "supervisor", "wall", "backup_centre", "kin"]

KINDS: dict[str, tuple[Kind, ...]] = {
    "all_desks": ("desk",),
    "supervisor_wall": ("supervisor", "wall"),
    "backup_centre_kin": ("backup_centre", "kin"),
    REVIEW: ("supervisor",),
}
"""Whom a rung of the ladder calls for."""
UNRECORDED: tuple[Kind, ...] = ("desk", "supervisor", "wall", "kin")
"""Who hears of an urgent detection that the database does not hold: no console can show it."""
ATTEMPTS = {1: 20, 2: 5}
"""Most attempts by priority; the others get ATTEMPTS_ELSE. A P1 that nobody took is tried for five minutes. Chosen."""
ATTEMPTS_ELSE = 3
FIRST_AGAIN_S, LONGEST_AGAIN_S = 2.0, 20.0
"""Pause after the first failure, doubled up to the longest, s."""

FAMILIES: dict[Family, tuple[str, str]] = {
    "sos": ("求助", "call for help"), "fall": ("跌倒", "fall"), "no_life": ("无生活迹象", "no sign of life"), "smoke": ("烟雾", "smoke"),
    "gas": ("燃气", "gas"), "co": ("一氧化碳", "carbon monoxide"), "stove": ("灶具无人看管", "unattended stove"), "water": ("用水异常", "water"),
    "wandering": ("夜间外出", "wandering"), "vitals": ("体征异常", "vital signs"), "food": ("食品温度", "food"), "technical": ("设备故障", "technical"),
}  # fmt: skip


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a weekday on which somebody is on duty, in local minutes of the day."""

    weekday: int
    from_minute: int
    to_minute: int
    zone: str = "Asia/Shanghai"


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody, or something, that is told. ``url`` is an Apprise address and holds a secret: it stands in no message and no log."""

    recipient_id: str
    kind: Kind
    url: str
    language: Literal["zh", "en"] = "zh"
    area_prefix: str = ""
    home_id: str | None = None
    consented: bool = False
    lowest_priority: int = 2
    most_per_hour: int = 30
    cost: float = 0.0
    most_cost_per_day: float | None = None
    duties: tuple[Duty, ...] = ()
    """Empty: always on duty."""
    sent_last_hour: int = 0
    cost_last_day: float = 0.0
    user_name: str | None = None
    """Kin with a log-in."""
    way: str = ""
    """Which of the site's ways; ``push``: a browser."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell one recipient, and how that stands. ``sent``: None while somebody is at it."""

    case_id: str
    spell: int
    priority: int
    rung: int
    recipient_id: str
    attempts: int = 0
    taken_until_at: datetime
    sent: bool | None = None
    at: datetime
    cost: float = 0.0
    detail: str = ""

    @property
    def key(self) -> tuple[str, int, int, int, str]:
        return (self.case_id, self.spell, self.priority, self.rung, self.recipient_id)


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A case that nobody has, or whose desk asked for more people; who may be told of it, and who was."""

    case: Case
    recipients: tuple[Recipient, ...]
    notices: tuple[Notice, ...]
    announced: frozenset[str] = frozenset()
    """Recipients who were told of one of its detections before it was recorded."""


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody was told of an urgent detection before the database held it."""

    detection_id: str
    recipient_id: str
    at: datetime
    sent: bool
    detail: str = ""


LIMITED = "limit reached"
NOBODY = "nobody to tell"
"""A rung of the ladder that reaches nobody is kept as a notice to no recipient, so that it is said once."""
ASKED = -1
"""No rung of the ladder: kin are shown the question that stands in their app (``alerts.asking``)."""
KIN = 0
"""The rung below the ladder: kin, of a P1."""
KIN_HEAR = ("QUEUED", *OWNED, "HELD")
"""Handlings of a case that rings, or that somebody works on. One that is out of service or on the shelf does not ring at the centre either."""


def on_duty(recipient: Recipient, now: datetime) -> bool:
    """By the rota; who has none is always on duty."""
    if not recipient.duties:
        return True
    for duty in recipient.duties:
        local = now.astimezone(ZoneInfo(duty.zone))
        minute = local.hour * 60 + local.minute
        if local.isoweekday() == duty.weekday and duty.from_minute <= minute < duty.to_minute:
            return True
    return False


def concerns(recipient: Recipient, *, home_id: str, area_code: str, priority: int, now: datetime) -> bool:
    """Whether somebody is to hear of a home at all. One that is not registered has no area: everybody hears of it, or nobody would."""
    if recipient.kind == "kin":
        return recipient.home_id == home_id and recipient.consented and priority <= recipient.lowest_priority
    in_area = not area_code or area_code.startswith(recipient.area_prefix)
    return in_area and priority <= recipient.lowest_priority and on_duty(recipient, now)


def rungs_of(case: Case, rules: Rules) -> dict[int, tuple[Kind, ...]]:
    """Whom the rungs call for that a case has reached; where somebody has it, only those that its desk asked for, and kin of a P1."""
    found: dict[int, tuple[Kind, ...]] = {KIN: ("kin",)} if case.priority == 1 and case.handling in KIN_HEAR else {}
    for rung in rules.rungs(case.priority, case.area_code):
        if rung.rung in case.called_rungs or (case.handling == "QUEUED" and rung.rung <= case.rung):
            found[rung.rung] = KINDS.get(rung.who, ())
    return found


def due(waiting: Waiting, rules: Rules, now: datetime, take_s: float) -> list[Notice]:
    """What to send now, each marked as taken. What is over a limit, and a rung that reaches nobody, comes back as not sent: to be kept and shown once."""
    case = waiting.case
    if case.test:
        return []
    known = {notice.key: notice for notice in waiting.notices}
    by_rung = rungs_of(case, rules)
    found: dict[tuple[str, int, int, int, str], Notice] = {}
    heard = {KIN}  # that a home has no kin who agreed is their choice, and no gap of the ladder
    for recipient in waiting.recipients:
        if not concerns(recipient, home_id=case.home_id, area_code=case.area_code, priority=case.priority, now=now):
            continue
        for rung, kinds in by_rung.items():
            if recipient.kind not in kinds or (rung == KIN and _announced(waiting, recipient)):
                continue
            heard.add(rung)
            notice = _first(case, rung, recipient.recipient_id, now, now + timedelta(seconds=take_s), recipient.cost)
            before = _told_of_it(waiting, recipient) if rung == KIN else known.get(notice.key)
            if before is None and case.priority > 1 and over_limit(recipient):
                found[notice.key] = msgspec.structs.replace(
                    notice, sent=False, attempts=most_attempts(case.priority), cost=0.0, detail=LIMITED
                )
            elif before is None:
                found[notice.key] = notice
            elif _again(before, now):
                again = msgspec.structs.replace(notice, spell=before.spell, attempts=before.attempts + 1)
                found[again.key] = again
    for rung in by_rung.keys() - heard:
        nobody = msgspec.structs.replace(_first(case, rung, "", now, now), sent=False, detail=NOBODY)
        if nobody.key not in known:
            found[nobody.key] = nobody
    return list(found.values())


def _first(case: Case, rung: int, recipient_id: str, now: datetime, until: datetime, cost: float = 0.0) -> Notice:
    """A first attempt."""
    return Notice(
        case_id=case.case_id, spell=case.spell, priority=case.priority, rung=rung, recipient_id=recipient_id, taken_until_at=until,
        at=now, attempts=1, cost=cost,
    )  # fmt: skip


def _of_kin(waiting: Waiting, recipient: Recipient) -> list[Notice]:
    """What kin were told of the case as a P1, oldest first."""
    first = (each for each in waiting.notices if (each.rung, each.priority) == (KIN, 1))
    return sorted((each for each in first if each.recipient_id == recipient.recipient_id), key=lambda each: each.spell)


def _told_of_it(waiting: Waiting, recipient: Recipient) -> Notice | None:
    """The notice by which kin heard of the case, or are about to; None: not yet, or it was over since and begins anew."""
    told = _of_kin(waiting, recipient)
    return told[-1] if told and not _over_since(waiting.case, told[-1]) else None


def _announced(waiting: Waiting, recipient: Recipient) -> bool:
    """Whether kin heard of it before it was recorded, and it was not over since."""
    over = any(_over_since(waiting.case, told) for told in _of_kin(waiting, recipient))
    return recipient.recipient_id in waiting.announced and not over


def _over_since(case: Case, notice: Notice) -> bool:
    """``queued_at`` moves when a case is opened again, and not when a desk lets go of it. Two machines' clocks may differ, so a later spell is asked for as well."""
    return notice.spell < case.spell and case.queued_at is not None and notice.at < case.queued_at


def of_question(case: Case, browser: Recipient, now: datetime, take_s: float) -> Notice:
    """Kin's browser is to show that something is asked. Once: it stands in the app, and what is asked for minutes is not tried for minutes."""
    notice = _first(case, ASKED, browser.recipient_id, now, now + timedelta(seconds=take_s), browser.cost)
    return msgspec.structs.replace(notice, sent=False, cost=0.0, detail=LIMITED) if over_limit(browser) else notice


def over_limit(recipient: Recipient) -> bool:
    """Whether one more message would be beyond what a recipient gets in an hour, or costs in a day."""
    if recipient.sent_last_hour >= recipient.most_per_hour:
        return True
    most = recipient.most_cost_per_day
    return most is not None and recipient.cost_last_day + recipient.cost > most


def most_attempts(priority: int) -> int:
    return ATTEMPTS.get(priority, ATTEMPTS_ELSE)


def _again(before: Notice, now: datetime) -> bool:
    if before.sent is True or before.taken_until_at > now or before.attempts >= most_attempts(before.priority):
        return False
    # Nobody said how it ended: it may have been sent. Of a P1 better twice than not at all.
    return before.sent is False or before.priority == 1


def after(notice: Notice, sent: bool, detail: str, now: datetime) -> Notice:
    """The notice with its result; what failed is tried again after a pause that grows."""
    pause_s = min(LONGEST_AGAIN_S, FIRST_AGAIN_S * 2 ** (notice.attempts - 1))
    again = now if sent else now + timedelta(seconds=pause_s)
    return msgspec.structs.replace(
        notice, sent=sent, detail=detail, at=now, taken_until_at=again, cost=notice.cost if sent else 0.0
    )


def reason_of(notice: Notice) -> str:
    """Key of the sentence that stands in the case's history."""
    if notice.rung == ASKED and notice.detail != LIMITED:
        return "case.question_pushed" if notice.sent else "case.question_not_pushed"
    if notice.sent:
        return "case.notified"
    return {LIMITED: "case.notice_limited", NOBODY: "case.nobody_to_tell"}.get(notice.detail, "case.not_notified")


def words(case: Case, recipient: Recipient, rung: int) -> tuple[str, str]:
    """Title and body. No name, no address, no telephone number: it goes through other people's machines."""
    zh, en = FAMILIES[case.family]
    waited = f"{case.raised_at:%H:%M:%S} UTC"
    if recipient.kind == "kin":
        if recipient.language == "zh":
            return f"守望：{zh}警情", f"您登记的家庭 {case.home_id} 有{zh}警情，守望中心正在处理。"
        return (
            f"Shouwang: {en}",
            f"There is an alert ({en}) at the home {case.home_id}; the watch centre is looking after it.",
        )
    if case.desk_id is not None:
        if recipient.language == "zh":
            return f"P{case.priority} {zh}", f"{case.home_id} {zh}，{case.desk_id} 正在处理，请求支援（第 {rung} 级）"
        return f"P{case.priority} {en}", f"{case.home_id}: {en}, {case.desk_id} has it and asks for help (rung {rung})"
    if recipient.language == "zh":
        return (
            f"P{case.priority} {zh}",
            f"{case.home_id} {zh}，证据 {case.score} 分，{waited} 触发，尚无人受理（第 {rung} 级）",
        )
    return (
        f"P{case.priority} {en}",
        f"{case.home_id}: {en}, evidence {case.score}, raised at {waited}, nobody has taken it (rung {rung})",
    )


def question_words(case: Case, recipient: Recipient) -> tuple[str, str]:
    """Title and body of what says that a question waits in the app; the question itself names the resident and stands there alone."""
    zh, en = FAMILIES[case.family]
    if recipient.language == "zh":
        return "守望：请问是否平安", f"您登记的家庭 {case.home_id} 可能有情况（{zh}），不能确定。请打开守望页面回答。"
    return (
        "Shouwang: is all well?",
        f"Something may be wrong ({en}) at the home {case.home_id}; it is not certain. Please open your page and answer.",
    )


def unrecorded_words(family: Family, home_id: str, recipient: Recipient) -> tuple[str, str]:
    """Title and body of what the database does not hold yet."""
    zh, en = FAMILIES[family]
    if recipient.language == "zh":
        return f"P1 {zh}（尚未入库）", f"{home_id} {zh}。数据库暂时不可用，控制台上看不到此警情，请立即处理。"
    return f"P1 {en} (not yet recorded)", f"{home_id}: {en}. The database is away, no console shows it: act now."


def people_for(
    recipients: Iterable[Recipient], areas: Mapping[str, str], home_id: str, now: datetime
) -> Sequence[Recipient]:
    """Who hears of an urgent detection of a home that is not recorded yet."""
    area = areas.get(home_id, "")
    return [
        each
        for each in recipients
        if each.kind in UNRECORDED and concerns(each, home_id=home_id, area_code=area, priority=1, now=now)
    ]
