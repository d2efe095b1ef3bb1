"""A detector that raises: nothing is lost for the others, and nobody takes its silence for calm."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from contracts.frames import decode
from stream.detector import StateColumn
from stream.engine import Engine
from tests.unit.stream.probe import PRESS, PROBE, START_S, Row, frame


def poisoned(params: Any, state: Any, rows: Any, ctx: Any) -> None:
    """Counts rows and says each; cannot bear home-2's, and has written to the state and spoken before it notices."""
    state.rows[rows.subject] += 1
    for at, home in enumerate(rows.home.tolist()):
        ctx.out.once(
            rows.subject[at : at + 1],
            event_at_s=rows.event_at_s[at],
            score=1,
            reason="x.y",
            evidence={"n": state.rows[rows.subject[at]]},
        )
        if ctx.cards.home_ids[home] == "home-2":
            raise ZeroDivisionError("a number that nobody thought of")


POISONED = replace(PRESS, kinds=("motion",), observe=poisoned, subject="home", state={"rows": StateColumn("i8", 0)})
ROWS = [Row(1.0 + n, f"home-{n % 4 + 1}", seq=n) for n in range(8)]


def test_the_rows_beside_a_poisoned_one_are_counted_once_and_said_once() -> None:
    running = Engine(0, "bulk", {"poisoned": POISONED})
    told = running.apply_value(frame(ROWS, 9.0))
    said = [(each.home_id, each.evidence["n"]) for each in told if each.detector == "poisoned"]
    assert sorted(said) == [(f"home-{home}", n) for home in (1, 3, 4) for n in (1.0, 2.0)]


def test_the_other_detectors_say_what_they_say_alone() -> None:
    with_it = Engine(0, "bulk", {"poisoned": POISONED, "probe": PROBE})
    alone = Engine(0, "bulk", {"probe": PROBE})
    for value in (frame(ROWS, 9.0), frame([], 300.0)):
        assert [each for each in with_it.apply_value(value) if each.detector == "probe"] == alone.apply_value(value)


def test_each_row_that_was_passed_over_is_kept_with_its_reason() -> None:
    running = Engine(0, "bulk", {"poisoned": POISONED})
    running.apply_value(frame(ROWS, 9.0))
    assert [(each.detector, each.home_id, each.device_id, each.kind, each.seq) for each in running.troubles] == [
        ("poisoned", "home-2", "d-1", "motion", 1),
        ("poisoned", "home-2", "d-1", "motion", 5),
    ]
    assert "ZeroDivisionError" in running.troubles[0].error
    assert decode(running.troubles[0].payload).batches["motion"].column("seq").to_pylist() == [1]


def test_the_home_gets_a_technical_detection_once_an_hour() -> None:
    running = Engine(0, "bulk", {"poisoned": POISONED})
    told = [
        each
        for hour in range(2)
        for n in range(3)
        for each in running.apply_value(frame([Row(3600.0 * hour + n, "home-2", seq=10 * hour + n)], 3600.0 * hour + n))
    ]
    assert [(each.detector, each.family, each.home_id, each.reason) for each in told] == [
        ("detector_error", "technical", "home-2", "detector_error.raised")
    ] * 2
    assert told[0].evidence["detector"] == "poisoned"


def test_a_tick_that_raises_is_tried_again_later_and_stops_nobody_else() -> None:
    ticked: list[tuple[float, int]] = []

    def tick(params: Any, state: Any, homes: Any, ctx: Any) -> None:
        if (homes == 1).any():
            raise ValueError("not this one")
        ticked.extend((ctx.time.now_s - START_S, home) for home in homes.tolist())
        state.due_at_s[homes] = np.inf

    running = Engine(0, "bulk", {"probe": replace(PROBE, tick=tick)})
    running.apply_value(frame([Row(1.0, f"home-{n}") for n in range(3)], 9.0))
    running.apply_value(frame([], 1000.0))
    assert ticked == [(30.0, 0), (30.0, 2)]
    assert [each.at_s - START_S for each in running.troubles] == [30.0, 630.0]


def test_a_device_column_of_a_home_detector_is_put_back_too() -> None:
    seen: list[int] = []

    def observe(params: Any, state: Any, rows: Any, ctx: Any) -> None:
        state.devices.seen[rows.device] += 1
        if len(rows.subject) > 1:
            raise ValueError("never two")
        seen.extend(state.devices.seen[rows.device].tolist())

    running = Engine(0, "bulk", {"probe": replace(PROBE, observe=observe, tick=None)})
    running.apply_value(frame(ROWS, 9.0))
    assert seen == [1, 1, 1, 1, 2, 2, 2, 2]


def test_no_memory_left_ends_the_process() -> None:
    def observe(params: Any, state: Any, rows: Any, ctx: Any) -> None:
        raise MemoryError

    running = Engine(0, "bulk", {"probe": replace(PROBE, observe=observe)})
    with pytest.raises(MemoryError):
        running.apply_value(frame(ROWS, 9.0))
