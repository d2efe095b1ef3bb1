"""Supervision reports: what each figure is, and how a report is put together from the database's counts.

What cannot be known is said: a share of no cases has no per cent, and every figure stands with the number of cases it rests on.
"""

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerts.outcomes import OUTCOMES
from api.models.reports import Arrival, Definition, Detector, Figures, Load, Report, Share, Source
from storage.database import Connection
from storage.queries import Row, fetch_one, query

STALE_S = 86_400.0
"""Open for longer than this a case is stale. ISA-18.2: 24 h."""
FLOOD = 10
"""More alarms a desk within ten minutes are a flood. ISA-18.2."""
SLOTS_AN_HOUR = 6
"""Stretches of ten minutes."""

_REPORT = query("report")

DEFINITIONS: tuple[Definition, ...] = tuple(
    Definition(key=key, zh=zh, en=en, means_zh=means_zh, means_en=means_en)
    for key, zh, en, means_zh, means_en in (
        (
            "raised", "产生的警情", "Raised",
            "本期内产生的警情，按产生时间归属；测试（检测标记为测试，或结果为“测试”）从不计入。",
            "Cases raised in the period. A test, by its detection or by its outcome, never counts.",
        ),
        (
            "alarms", "到席警情", "Alarms",
            "其中进入队列或被坐席受理的；先询问住户即告平安的、受理前已并入他案的不在其内。",
            "Of these the ones that came into the queue or were taken by a desk: not what asking first ended, nor what was folded into another case before that.",
        ),
        (
            "calls", "来电开案", "From calls",
            "其中由电话开立的（值守员接听后手工开立，或来电无人接听自动开立）；到席和时间照计，但不计入误报率、检测器和来源：打电话的人不是设备。接听后开立的无人需要等待，不计受理时间。",
            "Of these the ones that began with a telephone call, by hand or because nobody picked up. They count as alarms and in times, and not in false alarms, detectors and sources: "
            "a caller is no device. One that was opened on the telephone waited for nobody, so it has no answering time.",
        ),
        (
            "within_60", "60 秒内受理", "Answered within 60 s",
            "从首次进入队列到首次受理不超过 60 秒。只计涉及人的警情（不含技术类）；仍在等待的，满 60 秒后计为未达到；受理前自行结束的不计。目标 97.5 %。",
            "From first coming into the queue to the first claim. People's cases only (not technical ones); one that still waits counts as late once 60 s are over; "
            "one that ended by itself before anybody took it is not counted. Target 97.5 %.",
        ),
        (
            "within_180", "180 秒内受理", "Answered within 180 s",
            "同上，180 秒。目标 99 %。", "The same with 180 s. Target 99 %.",
        ),
        (
            "unanswered", "尚未受理", "Unanswered",
            "涉及人的警情，已进入队列而至今无人受理。", "People's cases that came into the queue and that nobody has taken by now.",
        ),
        (
            "arrival", "到场用时", "Time to arrival",
            "从警情产生到首次有人到场（坐席记录或应急人员自报，取早者）；只计有到场记录的警情，中位数与 90 百分位。",
            "From the case being raised to the first word, by a desk or by the helper, that somebody is there. Only cases of which that was said; median and 90th percentile.",
        ),
        (
            "false_alarms", "误报率", "False alarms",
            "误报 ÷（误报 + 真实警情），按结果代码判定；重复、技术问题和尚无结果的不计入分母。“误报”包括误按、传感器误报、问候核实平安、外出未告知、住户或亲属回答平安。",
            "False ÷ (false + true), by outcome code. Duplicates, technical outcomes and what has no outcome yet are not among them. False are: pressed by accident, "
            "sensor was wrong, well-being call, away and not reported, the resident or kin say that all is well.",
        ),
        (
            "undecided", "未判定", "Undecided",
            "既非真实警情也非误报：尚无结果、重复或技术问题（来电开案不计）。", "Neither true nor false: no outcome yet, a duplicate, or technical. Without those from calls.",
        ),
        (
            "stale", "滞留警情", "Stale",
            "从产生到办结（未办结的到现在）超过 24 小时（ISA-18.2）。", "From raised to resolved or closed (else until now) longer than 24 h (ISA-18.2).",
        ),
        (
            "detectors", "检测器", "Detectors",
            "警情归于开启它的那次检测所属的检测器和设备；之后的信号不改变归属。",
            "A case counts for the detector and the device whose detection began it, whatever joined it later.",
        ),
        (
            "desk_hours", "坐席小时", "Desk hours",
            "坐席手中有本区域警情的十分钟时段数 ÷ 6。空闲时段和服务其他区域的时段看不到，所以每坐席小时警情数只会偏高，不会偏低。",
            "Stretches of ten minutes in which a desk had a case of this area in hand, divided by six. When it was idle, or served another area, cannot be seen: "
            "alarms a desk hour are rather too many than too few.",
        ),
        (
            "alarms_per_desk_hour", "每坐席小时警情", "Alarms a desk hour",
            "本期到席警情数 ÷ 坐席小时。可接受约 6，最多 12（ISA-18.2）。", "Alarms of the period divided by desk hours. About 6 are acceptable, 12 the most (ISA-18.2).",
        ),
        (
            "floods", "警情洪峰", "Floods",
            "以整十分钟计，每个坐席超过 10 件的时段数（无人在席时按一个坐席计）。", "Stretches of ten minutes by the clock with more than 10 alarms a desk (where nobody worked: as if one did).",
        ),
        (
            "worst_10_min", "最忙十分钟", "Worst ten minutes",
            "任一十分钟时段内每坐席的最多警情数。", "Most alarms a desk in any such stretch.",
        ),
        (
            "unattended", "无人在席时到达", "Came while nobody worked",
            "到达时的十分钟内没有任何坐席手中有本区域警情。", "Alarms that came in a stretch of ten minutes in which no desk had a case of this area in hand.",
        ),
        (
            "sources", "最多的来源", "Busiest sources",
            "一台设备的同类警情为一个来源；列出最多的十个及其占全部到席警情的比例。", "A source is one device's cases of one family; the ten with most alarms, and their share of all.",
        ),
        (
            "chattering", "抖动来源", "Chattering",
            "同一来源一小时内至少三件警情。ISA-18.2 为一分钟三次；这里未办结的警情会合并后续信号，故取一小时（自定）。",
            "A source with three cases within an hour. ISA-18.2 says three in a minute; here an open case gathers what follows, hence an hour (chosen).",
        ),
    )
)  # fmt: skip
"""What each figure is: the one place. It goes out with each report, in JSON, in the table and on paper."""


def codes(*, true: bool) -> list[str]:
    """Outcome codes that say that somebody needed help, or that nobody did."""
    return [code for code, outcome in OUTCOMES.items() if (outcome.true_alarm if true else outcome.false_alarm)]


def month_of(now: datetime, zone: str) -> tuple[date, date]:
    """First and last day of the month."""
    first = now.astimezone(ZoneInfo(zone)).date().replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def share(count: int, n: int) -> Share:
    return Share(count=count, n=n, pct=round(100 * count / n, 1) if n else None)


async def read(
    connection: Connection, *, area: str, digits: int, from_day: date, to_day: date, zone: str, band_h: int, now: datetime
) -> Report:  # fmt: skip
    """The report of an area from the first to the last day, both included, in the zone's time."""
    where = ZoneInfo(zone)
    values: dict[str, Any] = {
        "area_prefix": area, "from_at": datetime.combine(from_day, time(), where),
        "to_at": datetime.combine(to_day + timedelta(days=1), time(), where), "true_codes": codes(true=True), "false_codes": codes(true=False),
    }  # fmt: skip
    found = await fetch_one(
        connection, _REPORT, **values, digits=digits, zone=zone, band_h=band_h, stale_s=STALE_S, flood=FLOOD, now=now
    )
    assert found is not None
    kinds: dict[str, list[Figures]] = {"all": [], "area": [], "priority": [], "band": []}
    for row in found["groups"]:
        kinds[row["kind"]].append(_figures(row, band_h))
    (total,) = kinds["all"]
    return Report(
        area=area, from_day=from_day, to_day=to_day, zone=zone, band_h=band_h, total=total, areas=kinds["area"], priorities=kinds["priority"],
        bands=sorted(kinds["band"], key=lambda each: int(each.name)), detectors=[_detector(row) for row in found["detectors"]], load=_load(found["load"], total.alarms),
        sources=[_source(row, total.alarms) for row in found["sources"]], definitions=list(DEFINITIONS), now=now,
    )  # fmt: skip


def _judged(row: Row) -> dict[str, Any]:
    true, false = row["true_alarms"], row["false_alarms"]
    undecided = row["raised"] - row.get("calls", 0) - true - false
    return {"raised": row["raised"], "false_alarms": share(false, true + false), "undecided": undecided}


def _figures(row: Row, band_h: int) -> Figures:
    name = str(int(row["name"]) * band_h) if row["kind"] == "band" else row["name"]
    return Figures(
        name=name, calls=row["calls"], alarms=row["alarms"], within_60=share(row["within_60"], row["known_60"]), within_180=share(row["within_180"], row["known_180"]),
        unanswered=row["unanswered"], arrival=Arrival(n=row["arrivals"], p50_s=row["arrival_p50_s"], p90_s=row["arrival_p90_s"]),
        stale=row["stale"], **_judged(row),
    )  # fmt: skip


def _detector(row: Row) -> Detector:
    return Detector(name=row["name"], **_judged(row))


def _source(row: Row, alarms: int) -> Source:
    true, false = row["true_alarms"], row["false_alarms"]
    return Source(
        **{name: row[name] for name in ("home_id", "device_id", "family", "alarms", "chattering")},
        share_pct=share(row["alarms"], alarms).pct, false_alarms=share(false, true + false),
    )  # fmt: skip


def _load(row: Row, alarms: int) -> Load:
    hours = row["desk_slots"] / SLOTS_AN_HOUR
    return Load(
        desk_hours=round(hours, 2), alarms_per_desk_hour=round(alarms / hours, 2) if hours else None, floods=row["floods"],
        worst_10_min=row["worst"], unattended=row["unattended"], sources=row["sources"], chattering=row["chattering"],
    )  # fmt: skip


def table(report: Report) -> str:
    """The report as CSV: one figure a row, with the number of cases it rests on and what it is. No value: it is not known."""
    means = {each.key: each for each in DEFINITIONS}
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("part", "name", "figure", "value", "n", "meaning_zh", "meaning_en"))
    for part, name, figure, value, n in _cells(report):
        meant = means[figure.removesuffix("_p50_s").removesuffix("_p90_s").removesuffix("_pct")]
        # A name that begins like a formula would be one in a spreadsheet.
        shown = f"'{name}" if name[:1] in ("=", "+", "-", "@") else name
        writer.writerow(
            (part, shown, figure, "" if value is None else value, "" if n is None else n, meant.means_zh, meant.means_en)
        )  # fmt: skip
    return out.getvalue()


Cell = tuple[str, str, str, float | None, int | None]


def _cells(report: Report) -> Iterator[Cell]:
    for part, rows in (
        ("all", [report.total]),
        ("area", report.areas),
        ("priority", report.priorities),
        ("band", report.bands),
    ):
        for row in rows:
            for figure in ("raised", "calls", "alarms", "unanswered", "undecided", "stale"):
                yield part, row.name, figure, getattr(row, figure), None
            for figure in ("within_60", "within_180", "false_alarms"):
                found: Share = getattr(row, figure)
                yield part, row.name, f"{figure}_pct", found.pct, found.n
            yield part, row.name, "arrival_p50_s", row.arrival.p50_s, row.arrival.n
            yield part, row.name, "arrival_p90_s", row.arrival.p90_s, row.arrival.n
    for detector in report.detectors:
        yield "detector", detector.name, "raised", detector.raised, None
        yield "detector", detector.name, "false_alarms_pct", detector.false_alarms.pct, detector.false_alarms.n
    for figure in Load.model_fields:
        yield "load", "", figure, getattr(report.load, figure), None
    for source in report.sources:
        name = f"{source.home_id}.{source.device_id or ''} {source.family}"
        yield "source", name, "alarms", source.alarms, None
        yield "source", name, "false_alarms_pct", source.false_alarms.pct, source.false_alarms.n
        yield "source", name, "chattering", int(source.chattering), None
