"""The answer does not depend on how rows were cut into frames, on restarts, or on repeats: drawn at random."""

import random
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.detections import Detection
from contracts.frames import Frame
from contracts.kinds import Card
from stream.engine import Engine
from tests.unit.stream.probe import PRESS, PROBE, Row, by_subject, frame

DETECTORS = {"probe": PROBE, "press": PRESS}
HOMES = ("home-1", "home-2", "home-3")


@dataclass
class Log:
    """Rows in order of arrival, an interval that nobody watched (or none), and when the log ends; seconds from the start."""

    rows: list[Row]
    unwatched: tuple[float, float] | None
    end_s: float
    whole: list[Detection] = field(default_factory=list)


@st.composite
def logs(draw: st.DrawFn) -> Log:
    gaps = draw(st.lists(st.sampled_from((0.0, 0.1, 0.1, 1.0, 4.0, 9.9, 10.0, 40.0)), min_size=1, max_size=40))
    away_after = draw(st.none() | st.integers(0, len(gaps)))
    rows: list[Row] = []
    now_s, unwatched, seq = 0.0, None, 0
    for index, gap_s in enumerate(gaps):
        now_s = round(now_s + gap_s, 3)
        if index == away_after:
            unwatched = (now_s, now_s + 400.0)
            now_s += 400.1
        seq += 1
        home, device = draw(st.sampled_from(HOMES)), draw(st.sampled_from(("d-1", "d-2")))
        if draw(st.integers(0, 12)) == 0:
            rows.append(Row(now_s, home, "card", "card", card=Card(version=seq, care_level=seq % 6)))
            continue
        late_s = draw(st.sampled_from((0.0, 0.0, 0.0, 5.0, 3000.0)))
        kind = draw(st.sampled_from(("motion", "contact", "call")))
        rows.append(Row(now_s - late_s, home, device, kind, seq, received_s=now_s))
        if draw(st.integers(0, 5)) == 0:  # the device says it again
            now_s += draw(st.sampled_from((0.0, 3.0, 30.0)))
            rows.append(Row(now_s - late_s, home, device, kind, seq, received_s=now_s))
    return Log(rows, unwatched, now_s + draw(st.sampled_from((0.0, 5.0, 100.0))))


def arrived(row: Row) -> float:
    return row.at_s if row.received_s is None else row.received_s


def play(
    log: Log, lane: str, draw: random.Random | None, *, restart: float = 0.0, repeat: float = 0.0
) -> list[Detection]:
    """Play a log: in one frame, or (with ``draw``) cut anyhow, stating anything that may be stated."""
    engine = Engine(0, lane, DETECTORS)  # type: ignore[arg-type]
    told = engine.apply_value(frame([], 0.0, lane=lane))
    together: list[Frame] = []
    stated_s, first, said = 0.0, 0, log.unwatched is None
    while first <= len(log.rows):
        last = len(log.rows) if draw is None else min(len(log.rows), first + draw.choice((0, 1, 2, 5, 30)))
        away = log.unwatched
        if away is not None and not said:
            # Rows after an interval that nobody watched stand in no frame before the one that states it.
            before = sum(1 for row in log.rows if arrived(row) <= away[0])
            last = min(last, before) if first < before else last
            stated_now = first >= before
        else:
            stated_now = False
        bound = arrived(log.rows[last]) if last < len(log.rows) else log.end_s
        if away is not None and not said and not stated_now:
            bound = min(bound, away[0])
        stated_s = max(stated_s, bound if draw is None else stated_s + (bound - stated_s) * draw.random())
        value = frame(
            log.rows[first:last], stated_s, unwatched=(away,) if away is not None and stated_now else (), lane=lane
        )
        said = said or stated_now
        together.append(engine.decode(value))
        if draw is not None and draw.random() < repeat:
            together.append(engine.decode(value))
        if draw is None or draw.random() < 0.6:  # frames that came close behind one another are applied together
            told += engine.apply(together)
            together = []
        if draw is not None and not together and draw.random() < restart:
            snapshot = engine.snapshot()
            engine = Engine(0, lane, DETECTORS)  # type: ignore[arg-type]
            assert engine.restore(snapshot) == []
        first = last if last > first or draw is not None else len(log.rows) + 1
        if first == len(log.rows) and said and (draw is None or draw.random() < 0.5):
            break
    told += engine.apply([*together, engine.decode(frame([], log.end_s + 1000.0, lane=lane))])
    assert engine.troubles == []
    return told


@settings(max_examples=80, deadline=None)
@given(log=logs(), seed=st.integers(0, 2**32), lane=st.sampled_from(("bulk", "urgent")))
def test_another_cut_into_frames_changes_nothing(log: Log, seed: int, lane: str) -> None:
    assert by_subject(play(log, lane, random.Random(seed))) == by_subject(play(log, lane, None))


@settings(max_examples=60, deadline=None)
@given(log=logs(), seed=st.integers(0, 2**32))
def test_restarts_and_repeated_frames_change_nothing(log: Log, seed: int) -> None:
    assert by_subject(play(log, "bulk", random.Random(seed), restart=0.3, repeat=0.3)) == by_subject(
        play(log, "bulk", None)
    )


@settings(max_examples=30, deadline=None)
@given(log=logs(), seed=st.integers(0, 2**32))
def test_homes_apart_say_what_they_say_together(log: Log, seed: int) -> None:
    together = by_subject(play(log, "bulk", random.Random(seed)))
    for home in HOMES:
        alone = Log([row for row in log.rows if row.home == home], log.unwatched, log.end_s)
        expected = {key: told for key, told in together.items() if key[0] == home}
        assert by_subject(play(alone, "bulk", random.Random(seed + 1))) == expected


def test_an_engine_without_ticks_never_waits_for_the_clock() -> None:
    engine = Engine(0, "urgent", {"press": PRESS})
    told = engine.apply_value(frame([Row(5.0, kind="call"), Row(500.0, kind="call", seq=1)], lane="urgent"))
    assert [each.decided_at_s - each.event_at_s for each in told] == [0.0, 0.0]
