"""What a centre would hear: false alarms per operator-hour, by detector and score, before and after the resident is asked first.

    ./shouwang bench alarms [--data FOLDER] [--homes N] [--days N] [--json]

Nobody fell, collapsed or forgot anything in what is played here, so every alarm is false. Detections come from messages through frames and engine, as
in ``detect``. They are joined to cases and scored as alerts does it (``alerts.signals``, ``alerts.scoring``, shipped priorities): one case for each home and
family while anything of it is on; where nothing says that it is over, for HANDLED_S. A case counts once, at its highest score, for the detector that began it.

Sources, and what each may speak of. A detector's figure comes from recordings if there is one for it, else from the simulator; simulated people are
regular, so their silence weighs less than a recording's and is never added to it.

    hh102_month         one older person's flat, 30 days: motion, door, lights; lines learned on other days than judged (6 blocks)
    tm000_week_absence  a flat for 7 days, 79 h of them empty and registered as away (3 blocks)
    ampds_water_2y      water of a house, 2 years, a reading a minute; speaks of water only
    geotec, weda        acted daily activities with a watch. SCRIPTED: an hour of them is far denser than an hour of life. As ACTS_PER_DAY acts
                        of a day, each as long as a trial, an hour of script stands for 1 / SCRIPTED_H_PER_DAY days. It is an assumption, and the
                        shipped model was fitted on WEDA too. So these figures have a total of their own and enter no other.
    simulator           quiet days of the demonstration's homes, with devices' noise, loss and stray motion, without incidents

JSON fields:

    sources[]      name, basis (recording, simulator, scripted), home_weeks, hours (of script), alarms, detectors (those it may speak of)
    detectors[]    one for each detector, score and priority that was seen, and one with score null where nothing was:
      detector family score priority basis home_weeks alarms
      asks                  whether the resident is asked before a desk hears of it (ASKED families at P3)
      per_home_week         alarms / home_weeks; per_home_week_95: exact Poisson interval of the count; where none was seen
                            (``bound`` true) [0, 3 / home_weeks], the rule of three
      per_hour              {homes: alarms an hour}
      per_operator_hour     {homes: alarms an hour and desk}, ``upper``: the same at the upper end of the interval
      after_asking          {answer rate: {homes: alarms an hour and desk}}; what asks is heard only where nobody answers
    totals         ``heard`` (P1 to P3 of recordings and simulator), ``technical`` (P4 and P5; nobody is called at night for it), ``scripted`` (falls, as
                   converted): per_home_week, per_hour, per_operator_hour, after_asking, upper (sum of the upper ends: more than 95 % sure),
                   kept_from_desks {answer rate: share}
    desks          {homes: desks}, one for each HOMES_PER_DESK begun
    meets          must, goal: {answer rate: whether ``heard`` is at most 12, 6 per operator-hour at both sizes}, "0" = nobody is asked;
                   ``surely``: the same for the upper ends
    seconds
"""

import math
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from alerts.rules import ENDING, SHIPPED
from alerts.scoring import priority_of, score_of
from alerts.signals import fold, instant
from bench import falls
from bench.residents import FIRST_DAY, card_of, told
from cli import _evaluate_inactivity as recorded
from cli._learned import learned_lines
from cli._offline import detections_of
from contracts.detections import Detection, Family
from contracts.kinds import Card
from simulators.clock import ZONE, midnight_s
from simulators.neighbourhood import neighbourhood
from simulators.recording import Recording
from simulators.recordings import open_recording
from simulators.schedule import Schedule
from stream.detector import Detector
from stream.registry import discover

SIZES = (33_000, 278_900)
"""Homes of a county's centre and of a city's. Design, section 5."""
HOMES_PER_DESK = 10_000
"""Design's goal: one desk for so many homes."""
ANSWERS = (0.5, 0.7, 0.9)
"""Shares of residents who answer when they are asked, and are well. Chosen: nobody has measured it here."""
MUST, GOAL = 12.0, 6.0
"""Alarms per operator-hour. Design, section 5: an operator bears 6, at most 12."""
ASKED: frozenset[Family] = frozenset(SHIPPED.asking_s)
"""Families about which the resident is asked first where they are P3. Water and food are heard by a desk."""
HANDLED_S = 1800.0
"""A case of a family that says no end is over so long after its last word, s. Chosen: somebody has called by then."""
ACTS_PER_DAY = 142
"""Acts of an older person's day that are like the scripts' (sitting down, getting up): twice the 71 times that healthy older people get up a day
(Grant, Kerr & Dall, Aging Clin Exp Res 2011; 33 to 71 in ten studies: Bohannon, J Phys Ther Sci 2015;27:939)."""
TRIAL_S = 11.3
"""Median length of a trial of GeoTec and WEDA, s."""
SCRIPTED_H_PER_DAY = ACTS_PER_DAY * TRIAL_S / 3600
WEEK_S = 7 * 86_400.0
HOMES, DAYS = 16, 7.0
"""Simulated homes and days, unless asked otherwise: 16 home-weeks in some three minutes of a core."""
RECORDED: tuple[tuple[str, int, tuple[tuple[str, str], ...]], ...] = (
    ("hh102_month.csv.xz", 6, ()),
    ("tm000_week_absence.csv.xz", 3, (("2016-07-13T11:08:38", "2016-07-16T18:08:38"),)),
)
"""Files, blocks of days, and local times when the resident was registered as away (of tm000 its README says: empty for 79 h)."""
WATER = "ampds_water_2y_1min.npz"
SCRIPTED = ("geotec_watch_adl.npz", "weda_wrist.npz")
AT_ONCE = 4

Basis = Literal["recording", "simulator", "scripted"]


class Alarm(NamedTuple):
    """One false alarm: a case as a centre would have had it."""

    detector: str
    family: Family
    score: int
    priority: int
    heard_s: float
    """When its first word was said, which may be long after it began."""


class Source(NamedTuple):
    """What was played, for how long, and what came of it."""

    name: str
    basis: Basis
    home_weeks: float
    hours: float | None
    detectors: tuple[str, ...]
    """Those of which it may speak: they read its kinds and its homes concern them."""
    alarms: tuple[Alarm, ...]


def alarms_of(
    detections: Iterable[Detection], care_levels: Mapping[str, int] | None = None, handled_s: float = HANDLED_S
) -> list[Alarm]:
    """Detections joined to cases and scored as alerts does it. ``care_levels``: by home, 0 where none is given."""
    by_case: dict[tuple[str, Family], list[Detection]] = defaultdict(list)
    for each in detections:
        by_case[each.home_id, each.family].append(each)
    found: list[Alarm] = []
    for (home_id, family), said in by_case.items():
        for case in _cases(sorted(said, key=lambda d: d.decided_at_s), family in ENDING, handled_s):
            score = _highest(case, family in ENDING)
            priority = priority_of(SHIPPED, family, score, (care_levels or {}).get(home_id, 0))
            found.append(Alarm(case[0].detector, family, score, priority, case[0].decided_at_s))
    return sorted(found, key=lambda alarm: alarm.heard_s)


def _cases(said: Sequence[Detection], ends: bool, handled_s: float) -> Iterator[list[Detection]]:
    """Statements of one home and family, cut into cases; one that begins with the end of something is none."""
    case: list[Detection] = []
    on: set[str] = set()
    for each in said:
        over = not on if ends else bool(case) and each.decided_at_s - case[-1].decided_at_s > handled_s
        if over and case and each.on:
            yield case
            case, on = [], set()
        if each.on:
            on.add(each.detection_id)
        else:
            on.discard(each.detection_id)
        if each.on or case:
            case.append(each)
    if case:
        yield case


def _highest(case: Sequence[Detection], lasting: bool) -> int:
    """The highest score that the case ever had."""
    statements: dict[str, list[Detection]] = defaultdict(list)
    score = 0
    for each in case:
        statements[each.detection_id].append(each)
        signals = [fold(known, instant(each.decided_at_s)) for known in statements.values()]
        score = max(score, score_of(signals, lasting=lasting).value)
    return score


def poisson_95(count: int) -> tuple[float, float]:
    """Exact 95 % interval of a Poisson mean from one count (Garwood 1936); for 0 the rule of three: one-sided, up to 3."""
    if count == 0:
        return 0.0, 3.0

    def at_most(mean: float, most: int) -> float:
        return math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(most + 1))

    def mean_where(most: int, share: float) -> float:
        """The mean at which so many or fewer come with this probability; it falls with the mean."""
        low, high = 1e-9, count + 10 * math.sqrt(count) + 20
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if at_most(middle, most) > share else (low, middle)
        return (low + high) / 2

    return mean_where(count - 1, 0.975), mean_where(count, 0.025)


def desks(homes: int) -> int:
    """Desks of a centre."""
    return math.ceil(homes / HOMES_PER_DESK)


def hourly(per_home_week: float) -> dict[str, float]:
    """Alarms an hour, by homes."""
    return {str(homes): round(per_home_week * homes / 168.0, 3) for homes in SIZES}


def of_a_desk(per_home_week: float) -> dict[str, float]:
    """Alarms an hour and desk, by homes."""
    return {str(homes): round(per_home_week * homes / 168.0 / desks(homes), 3) for homes in SIZES}


def rows_of(sources: Sequence[Source], detectors: Mapping[str, Detector]) -> list[dict[str, Any]]:
    """By detector, score and priority; see ``detectors[]`` above."""
    rows: list[dict[str, Any]] = []
    for name, detector in sorted(detectors.items()):
        speaking = [source for source in sources if name in source.detectors]
        order: tuple[Basis, ...] = ("recording", "scripted", "simulator")
        basis = next((b for b in order if any(source.basis == b for source in speaking)), None)
        if basis is None:
            continue
        speaking = [source for source in speaking if source.basis == basis]
        weeks = sum(source.home_weeks for source in speaking)
        seen: Counter[tuple[int, int]] = Counter(
            (alarm.score, alarm.priority) for source in speaking for alarm in source.alarms if alarm.detector == name
        )
        found: list[tuple[int | None, int | None, int]] = [(*which, count) for which, count in sorted(seen.items())]
        for score, priority, count in found or [(None, None, 0)]:
            low, high = (end / weeks for end in poisson_95(count))
            asks = priority == 3 and detector.family in ASKED
            rate = count / weeks
            rows.append({
                "detector": name, "family": detector.family, "score": score, "priority": priority, "basis": basis,
                "home_weeks": round(weeks, 2), "alarms": count, "asks": asks, "bound": count == 0,
                "per_home_week": round(rate, 5), "per_home_week_95": [round(low, 5), round(high, 5)],
                "per_hour": hourly(rate), "per_operator_hour": of_a_desk(rate) | {"upper": of_a_desk(high)},
                "after_asking": {f"{answer:g}": of_a_desk(rate * (1 - answer if asks else 1)) for answer in ANSWERS},
            })  # fmt: skip
    return rows


def total_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sums over rows; see ``totals`` above."""
    rate = sum(row["per_home_week"] for row in rows)
    asked = sum(row["per_home_week"] for row in rows if row["asks"])
    # Detectors of which nothing was seen in the same weeks said nothing all together: one bound for all of them.
    unseen = {(row["basis"], row["home_weeks"]): row["per_home_week_95"][1] for row in rows if row["bound"]}
    high = sum(row["per_home_week_95"][1] for row in rows if not row["bound"]) + sum(unseen.values())
    # What was never seen may ask or not: it is taken as not asking.
    high_asked = sum(row["per_home_week_95"][1] for row in rows if row["asks"])
    return {
        "alarms": sum(row["alarms"] for row in rows),
        "per_home_week": round(rate, 5),
        "per_hour": hourly(rate),
        "per_operator_hour": of_a_desk(rate),
        "after_asking": {f"{answer:g}": of_a_desk(rate - answer * asked) for answer in ANSWERS},
        "kept_from_desks": {f"{answer:g}": round(answer * asked / rate, 3) if rate else None for answer in ANSWERS},
        "upper": {
            "per_home_week": round(high, 5),
            "per_operator_hour": of_a_desk(high),
            "after_asking": {f"{answer:g}": of_a_desk(high - answer * high_asked) for answer in ANSWERS},
        },
    }


def figures(sources: Sequence[Source], detectors: Mapping[str, Detector]) -> dict[str, Any]:
    """All figures; see above."""
    rows = rows_of(sources, detectors)
    scripted = [row for row in rows if row["basis"] == "scripted"]
    technical = [row for row in rows if row not in scripted and (row["priority"] or 0) > 3]
    technical += [row for row in rows if row["score"] is None and row["family"] == "technical"]
    heard = [row for row in rows if row not in scripted and row not in technical]
    totals = {"heard": total_of(heard), "technical": total_of(technical), "scripted": total_of(scripted)}
    return {
        "sources": [
            {**msgspec.to_builtins(source._asdict()), "home_weeks": round(source.home_weeks, 2), "alarms": len(source.alarms)}
            for source in sources
        ],
        "detectors": rows,
        "totals": totals,
        "desks": {str(homes): desks(homes) for homes in SIZES},
        "meets": {
            "must": _meets(totals["heard"], MUST), "goal": _meets(totals["heard"], GOAL),
            "surely": {"must": _meets(totals["heard"]["upper"], MUST), "goal": _meets(totals["heard"]["upper"], GOAL)},
        },
    }  # fmt: skip


def _meets(total: Mapping[str, Any], most: float) -> dict[str, bool]:
    by_rate = {"0": total["per_operator_hour"], **total["after_asking"]}
    return {answer: max(each.values()) <= most for answer, each in by_rate.items()}


def _speaks(detector: Detector, kinds: set[str], roles: set[str]) -> bool:
    """Whether a home with these kinds and roles could have raised it."""
    return bool(kinds & set(detector.kinds)) and (not detector.concerns or bool(roles & set(detector.concerns)))


# Sources


def of_home(
    path: Path, blocks: int, detectors: Mapping[str, Detector], away: Sequence[tuple[float, float]] = ()
) -> Source:
    """A recorded home of motion, doors and lights. ``away``: when its resident was registered as away, epoch s.

    Technical detectors are left out: what a recording's devices said of themselves was not kept.
    """
    home, parts = recorded.on_blocks(path, blocks)
    kinds = {row.values["kind"] for row in home.rows}
    roles = {device.role for device in home.recording.homes[0].devices}
    speaking = {
        name: each
        for name, each in detectors.items()
        if each.family in ("no_life", "wandering", "vitals", "stove", "water", "food") and _speaks(each, kinds, roles)
    }
    edges = sorted({edge for span in away for edge in span})
    alarms: list[Alarm] = []
    for part in parts:
        lines = recorded.learned(home, part, away=away)
        cuts = [part[0], *(edge for edge in edges if part[0] < edge < part[1]), part[1]]
        for from_s, to_s in pairwise(cuts):
            until_s = next((until for since, until in away if since <= from_s < until), None)
            card = recorded.card_of(home, lines)
            if until_s is not None:
                card = msgspec.structs.replace(card, away_until_s=until_s)
            rows = [row for row in home.rows if from_s - 86_400 <= row.at_s < to_s]
            piece = Recording(path.name, home.recording.homes, lambda rows=rows: iter(recorded.copies(rows)))  # type: ignore[misc]
            found = _detections(piece, {home.recording.homes[0].home_id: card}, speaking)
            alarms += [alarm for alarm in alarms_of(found) if from_s <= alarm.heard_s < to_s]
    weeks = (home.at_s[-1] - home.at_s[0]) / WEEK_S
    return Source(path.name.split(".")[0], "recording", float(weeks), None, tuple(sorted(speaking)), tuple(alarms))


def _detections(recording: Recording, cards: Mapping[str, Card], detectors: Mapping[str, Detector]) -> list[Detection]:
    messages = ((message.topic, message.payload) for message in recording.messages())
    return list(detections_of(messages, cards, detectors, partitions=1))


def of_water(path: Path) -> Source:
    """A house's water, as it stands."""
    recording = open_recording(path)
    speaking = {name: each for name, each in discover().items() if each.family == "water" and "water" in each.kinds}
    found = _detections(recording, {home.home_id: home.card() for home in recording.homes}, speaking)
    with np.load(path, allow_pickle=False) as file:
        weeks = len(file["litres_x1000"]) * float(file["step_s"]) / WEEK_S
    return Source(path.stem, "recording", weeks, None, tuple(sorted(speaking)), tuple(alarms_of(found)))


def of_script(path: Path, detectors: Mapping[str, Detector], folder: Path) -> Source:
    """Acted activities of a file of trials; its falls are left out."""
    data = falls.read(path)
    acts = data.part(np.flatnonzero(~data.labels["is_fall"].astype(bool)))
    hours = sum(len(part) for part in acts.acc) / data.rate_hz / 3600
    recording = open_recording(falls.write(folder / path.name, acts))
    speaking = {name: each for name, each in detectors.items() if each.family == "fall" and "inertial" in each.kinds}
    found = _detections(recording, {home.home_id: home.card() for home in recording.homes}, speaking)
    # Trials stand two minutes apart: what is heard in one of them is not another's.
    alarms = alarms_of(found, handled_s=60.0)
    weeks = hours / (SCRIPTED_H_PER_DAY * 7)
    return Source(path.stem, "scripted", weeks, hours, tuple(sorted(speaking)), tuple(alarms))


def of_simulator(count: int, days: float, seed: int, detectors: Mapping[str, Detector], began_s: float) -> Source:
    """Quiet days of simulated homes, AT_ONCE at a time."""
    homes = neighbourhood(count, seed)
    start_s = midnight_s(FIRST_DAY)
    end_s = start_s + days * 86_400
    learned = learned_lines(homes, start_s)
    _say(began_s, f"simulator: lines of {count} homes learned from 14 days before")
    roles: set[str] = set()
    found: list[Detection] = []
    for first in range(0, count, AT_ONCE):
        some = homes[first : first + AT_ONCE]
        cards = {home.home_id: card_of(home, learned[home.home_id]) for home in some}
        found += detections_of(told(some, start_s, end_s, Schedule((), ())), cards, detectors, partitions=1)
        roles |= {role for card in cards.values() for role in card.device_roles}
        done = first + len(some)
        _say(began_s, f"simulator: {done} of {count} homes, {days:g} days each, {len(found)} statements")
    alarms = alarms_of(found, {home.home_id: home.care_level for home in homes})
    speaking = tuple(name for name, each in detectors.items() if not each.concerns or roles & set(each.concerns))
    return Source("simulator", "simulator", count * days / 7, None, tuple(sorted(speaking)), tuple(alarms))


def _say(began_s: float, what: str) -> None:
    print(f"  {time.monotonic() - began_s:6.0f} s  {what}", file=sys.stderr, flush=True)


def _told(began_s: float, source: Source) -> Source:
    heard = ", ".join(
        f"{name} {count}" for name, count in sorted(Counter(alarm.detector for alarm in source.alarms).items())
    )
    _say(began_s, f"{source.name}: {source.home_weeks:.1f} home-weeks, {heard or 'nothing heard'}")
    return source


def measure(data_folder: Path, homes: int = HOMES, days: float = DAYS, seed: int = 1) -> dict[str, Any]:
    """All figures. Raises NoRecordings."""
    began_s, zone = time.monotonic(), ZoneInfo(ZONE)
    names = [*(name for name, _, _ in RECORDED), WATER, *SCRIPTED]
    if missing := [name for name in names if not (data_folder / name).is_file()]:
        raise falls.NoRecordings(names=", ".join(missing), folder=data_folder)
    detectors = discover()
    with ProcessPoolExecutor(1) as other, TemporaryDirectory(prefix="shouwang-alarms-") as scratch:
        # A million readings: on the other core, while this one does the rest.
        water = other.submit(of_water, data_folder / WATER)
        sources = []
        for name, blocks, away in RECORDED:
            spans = [(_instant(since, zone), _instant(until, zone)) for since, until in away]
            sources.append(_told(began_s, of_home(data_folder / name, blocks, detectors, spans)))
        for name in SCRIPTED:
            sources.append(_told(began_s, of_script(data_folder / name, detectors, Path(scratch))))
        sources.append(_told(began_s, of_simulator(homes, days, seed, detectors, began_s)))
        _say(began_s, f"{WATER}: being read on the other core")
        sources.append(_told(began_s, water.result()))
    return {**figures(sources, detectors), "seconds": round(time.monotonic() - began_s)}


def _instant(local: str, zone: ZoneInfo) -> float:
    return datetime.fromisoformat(local).replace(tzinfo=zone).timestamp()


HEADINGS = (
    "detector",
    "score",
    "P",
    "basis",
    "home-weeks",
    "alarms",
    "a home-week (95 %)",
    "an hour",
    "a desk-hour",
    "asking 50 / 70 / 90 %",
)


def table(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Rows for people, under HEADINGS; the hour's figures are those of the larger centre."""
    size = str(SIZES[-1])
    rows: list[tuple[str, ...]] = []
    for row in found["detectors"]:
        low, high = row["per_home_week_95"]
        rate = f"< {high:.3g}" if row["bound"] else f"{row['per_home_week']:.3g} ({low:.2g} to {high:.2g})"
        asking = " / ".join(f"{each[size]:.3g}" for each in row["after_asking"].values())
        rows.append((
            row["detector"], "-" if row["score"] is None else str(row["score"]), "-" if row["priority"] is None else f"P{row['priority']}",
            row["basis"], f"{row['home_weeks']:.1f}", str(row["alarms"]), rate, f"{row['per_hour'][size]:.3g}",
            f"{row['per_operator_hour'][size]:.3g}", asking if row["asks"] else "as before",
        ))  # fmt: skip
    for name, total in found["totals"].items():
        asking = " / ".join(f"{each[size]:.3g}" for each in total["after_asking"].values())
        rows.append((
            f"= {name}", "", "", "", "", str(total["alarms"]), f"{total['per_home_week']:.3g} (upper {total['upper']['per_home_week']:.2g})",
            f"{total['per_hour'][size]:.3g}", f"{total['per_operator_hour'][size]:.3g}", asking,
        ))  # fmt: skip
    return rows
