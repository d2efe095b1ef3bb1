"""The engine: order, clock, cards, ids and revisions."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.detections import Detection, detection_id
from contracts.errors import FrameError
from contracts.kinds import Card
from stream.detector import Detector
from stream.engine import Engine
from stream.offline import detect
from stream.rows import rounds
from tests.unit.stream.probe import PRESS, PROBE, START_S, Row, frame

KEEPER = ""


def engine(lane: Any = "bulk", **detectors: Detector) -> Engine:
    return Engine(0, lane, detectors or {"probe": PROBE})


def detector(observe: Callable[..., None], **more: Any) -> Detector:
    return replace(PRESS, kinds=("motion", "contact"), observe=observe, subject="home", **more)


def test_a_silence_is_said_at_the_grid_point_and_ends_with_the_next_row() -> None:
    running = engine()
    told = running.apply_value(frame([Row(3.0)], 3.0)) + running.apply_value(frame([], 40.5))
    assert [(each.reason, each.decided_at_s - START_S) for each in told] == [("probe.silent", 30.0)]
    told = running.apply_value(frame([Row(41.0, seq=1)], 41.0))
    assert [(each.reason, each.on, each.revision, each.decided_at_s - START_S) for each in told] == [
        ("probe.back", False, 2, 41.0)
    ]


def test_a_grid_point_waits_until_the_clock_has_passed_it() -> None:
    running = engine()
    running.apply_value(frame([Row(3.0)], 3.0))
    assert running.apply_value(frame([], 30.0)) == []
    assert len(running.apply_value(frame([], 30.001))) == 1


def test_a_row_beyond_the_next_grid_point_waits_for_the_clock() -> None:
    running = engine()
    running.apply_value(frame([Row(3.0, seq=0), Row(31.0, seq=1)], 3.0))
    assert [each.held for each in running.standings()] == [1]
    told = running.apply_value(frame([], 31.0))
    assert [(each.reason, each.decided_at_s - START_S) for each in told] == [
        ("probe.silent", 30.0),
        ("probe.back", 31.0),
    ]
    assert [each.held for each in running.standings()] == [0]


def test_a_marker_that_never_returns_delays_rows_but_does_not_silence_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.source.HELD_LIMIT", 10)
    running = engine()
    told = running.apply_value(frame([Row(20.0 * n, seq=n) for n in range(30)], None))
    assert len(told) > 3
    assert [each.held for each in running.standings()] == [10]


def test_forty_idle_hours_cost_one_tick_each_where_something_is_due() -> None:
    ticks: list[float] = []

    def tick(params: Any, state: Any, homes: Any, ctx: Any) -> None:
        ticks.append(ctx.time.now_s - START_S)
        state.due_at_s[homes] = np.inf

    def observe(params: Any, state: Any, rows: Any, ctx: Any) -> None:
        state.due_at_s[rows.subject] = rows.received_at_s + 144_000.0

    running = engine(probe=replace(PROBE, observe=observe, tick=tick, enrol=None))
    running.apply_value(frame([Row(3.0)], 3.0))
    running.apply_value(frame([], 200_000.0))
    assert ticks == [144_010.0]


def test_a_silence_in_an_outage_is_nobodys_silence() -> None:
    running = engine()
    running.apply_value(frame([Row(3.0)], 3.0))
    told = running.apply_value(frame([], 36_003.0, unwatched=((3.0, 36_003.0),)))
    assert told == []
    told = running.apply_value(frame([], 36_400.0))
    assert [each.decided_at_s - START_S for each in told[:1]] == [36_330.0]


def test_rows_of_one_home_are_seen_in_order_of_arrival_whatever_their_kind() -> None:
    seen: list[str] = []

    def observe(params: Any, state: Any, rows: Any, ctx: Any) -> None:
        seen.extend(f"{rows.kind}-{int(at - START_S)}" for at in rows.event_at_s)

    running = engine(order=detector(observe))
    running.apply_value(
        frame([Row(1.0, kind="contact"), Row(2.0, seq=1), Row(3.0, kind="contact", seq=2), Row(4.0, seq=3)], 4.0)
    )
    assert seen == ["contact-1", "motion-2", "contact-3", "motion-4"]


def test_homes_are_seen_together_and_a_home_only_once_in_a_call() -> None:
    calls: list[list[int]] = []
    running = engine(order=detector(lambda params, state, rows, ctx: calls.append(rows.subject.tolist())))
    running.apply_value(frame([Row(1.0, home=f"h-{n % 3}", seq=n) for n in range(7)], 4.0))
    assert calls == [[0, 1, 2], [0, 1, 2], [0]]


def test_a_card_is_in_force_for_the_rows_after_it() -> None:
    level: list[int] = []
    running = engine(order=detector(lambda params, state, rows, ctx: level.extend(ctx.cards.care_level[rows.home])))
    card = Row(2.0, device="card", kind="card", card=Card(version=1, care_level=4))
    running.apply_value(frame([Row(1.0), card, Row(3.0, seq=1)], 4.0))
    assert level == [0, 4]


@pytest.mark.parametrize("concerns", ["stove", "room:kitchen"])
def test_a_detector_looks_only_at_homes_that_have_or_had_what_it_concerns(concerns: str) -> None:
    seen: list[str] = []
    about = detector(
        lambda params, state, rows, ctx: seen.extend(ctx.cards.home_ids[home] for home in rows.home.tolist()),
        concerns=(concerns,),
    )

    def card(at_s: float, version: int, role: str, room: str) -> Row:
        return Row(
            at_s,
            device="card",
            kind="card",
            card=Card(version=version, device_ids=("d-9",), device_roles=(role,), device_rooms=(room,)),
        )

    running = engine(stoves=about)
    running.apply_value(frame([Row(1.0), Row(1.0, home="home-2")], 2.0))
    assert seen == []
    running.apply_value(frame([card(3.0, 1, "stove", "kitchen"), Row(4.0, seq=1), Row(4.0, home="home-2", seq=1)], 5.0))
    assert seen == ["home-1"]
    running.apply_value(frame([card(6.0, 2, "light", "living"), Row(7.0, seq=2)], 8.0))
    successor = engine(stoves=about)
    successor.restore(running.snapshot())
    successor.apply_value(frame([Row(9.0, seq=3), Row(9.0, home="home-2", seq=2)], 10.0))
    assert seen == ["home-1"] * 3


def test_the_keepers_card_reaches_a_home_of_any_source_also_one_that_speaks_later() -> None:
    level: dict[str, list[int]] = {"home-1": [], "home-2": []}

    def observe(params: Any, state: Any, rows: Any, ctx: Any) -> None:
        for home in rows.home.tolist():
            level[ctx.cards.home_ids[home]].append(int(ctx.cards.care_level[home]))

    running = engine(order=detector(observe))
    running.apply_value(frame([Row(1.0)], 1.0, source="demo"))
    cards = [Row(0.0, home, "card", "card", card=Card(version=1, care_level=4)) for home in ("home-1", "home-2")]
    running.apply_value(frame(cards, None, source=KEEPER))
    running.apply_value(frame([Row(2.0, seq=1), Row(2.0, home="home-2")], 2.0, source="demo"))
    running.apply_value(frame([Row(2.0, home="home-2")], 2.0, source="main"))
    assert level == {"home-1": [0, 4], "home-2": [4, 4]}


def test_the_keepers_cards_do_not_enrol_a_home_on_a_source_that_it_never_used() -> None:
    enrolled: list[int] = []
    running = engine(
        probe=replace(PROBE, enrol=lambda params, state, subjects, ctx: enrolled.extend(subjects.tolist()))
    )
    running.apply_value(frame([], 5.0, source="demo"))
    running.apply_value(frame([Row(0.0, "home-9", "card", "card", card=Card(version=1))], None, source=KEEPER))
    assert enrolled == []


def test_a_removed_homes_timers_rest() -> None:
    running = engine()
    running.apply_value(frame([Row(3.0)], 3.0))
    running.apply_value(
        frame([Row(0.0, "home-1", "card", "card", card=Card(version=1, removed=True))], None, source=KEEPER)
    )
    assert running.apply_value(frame([], 500.0)) == []


def test_two_sources_of_a_partition_have_clocks_of_their_own() -> None:
    running = engine()
    running.apply_value(frame([Row(3.0)], 3.0, source="main"))
    assert running.apply_value(frame([], 9000.0, source="demo")) == []
    assert {each.source: each.watched_until_s for each in running.standings()} == {
        "main": START_S + 3.0,
        "demo": START_S + 9000.0,
    }


def test_ids_follow_from_subject_detector_and_start_alone() -> None:
    press = engine("urgent", press=PRESS).apply_value(
        frame([Row(5.0, kind="call", via="hub-1", boot=7, seq=8)], lane="urgent")
    )[0]
    assert press.detection_id == detection_id("home-1.d-1", "press", START_S + 5.0)
    assert press.origin is not None
    assert (press.origin.device_id, press.origin.boot, press.origin.seq) == ("hub-1", 7, 8)
    assert (press.lane, press.source, press.clock) == ("urgent", "main", "wall")


def test_a_device_that_counts_nothing_has_no_origin_to_answer_to() -> None:
    press = engine("urgent", press=PRESS).apply_value(frame([Row(5.0, kind="call", boot=-1, seq=8)], lane="urgent"))[0]
    assert press.origin is None


def say(*words: tuple[str, dict[str, Any]]) -> list[Detection]:
    """Detections of a detector that says one word for each row of a home."""
    rest = list(words)

    def observe(params: Any, state: Any, rows: Any, ctx: Any) -> None:
        word, more = rest.pop(0)
        getattr(ctx.out, word)(rows.subject, event_at_s=rows.event_at_s, reason="x.y", **more)

    running = engine(word=detector(observe))
    return [told for n in range(len(words)) for told in running.apply_value(frame([Row(float(n), seq=n)], float(n)))]


def test_an_episode_is_said_again_only_when_score_or_reason_change() -> None:
    told = say(*[("on", {"started_at_s": START_S, "score": score}) for score in (1, 1, 2, 2)])
    assert [(each.revision, each.score) for each in told] == [(1, 1), (2, 2)]


def test_an_episodes_start_is_frozen_at_its_first_firing() -> None:
    told = say(("on", {"started_at_s": START_S, "score": 1}), ("on", {"started_at_s": START_S + 5, "score": 2}))
    assert {each.started_at_s for each in told} == {START_S}
    assert len({each.detection_id for each in told}) == 1


def test_a_withdrawal_is_the_last_revision_with_no_score() -> None:
    told = say(("on", {"started_at_s": START_S, "score": 3}), ("withdraw", {}), ("off", {}))
    assert [(each.revision, each.on, each.withdrawn, each.score) for each in told] == [
        (1, True, False, 3),
        (2, False, True, 0),
    ]


def test_over_is_said_only_where_something_was_on() -> None:
    assert say(("off", {}), ("withdraw", {})) == []


def test_a_new_episode_with_the_old_start_goes_on_counting() -> None:
    on = ("on", {"started_at_s": START_S, "score": 1})
    told = say(on, ("off", {}), on, ("once", {"score": 2}))
    assert [each.revision for each in told] == [1, 2, 3, 1]
    assert len({each.detection_id for each in told[:3]}) == 1


def test_what_is_not_a_number_is_left_out_of_evidence() -> None:
    told = say(
        (
            "once",
            {"score": 1, "evidence": {"a": np.array([np.nan]), "b": 2, "c": np.array(["w"]), "d": True, "e": None}},
        )
    )
    assert told[0].evidence == {"b": 2.0, "c": "w", "d": 1.0}


def test_bytes_that_are_no_frame_change_nothing() -> None:
    running = engine()
    running.apply_value(frame([Row(3.0)], 3.0))
    before = running.snapshot()
    with pytest.raises(FrameError):
        running.apply_value(b"SWF1 and then nothing of use")
    assert running.snapshot() == before


def test_a_snapshot_holds_the_rows_that_wait() -> None:
    running = engine()
    running.apply_value(frame([Row(3.0, seq=0), Row(31.0, seq=1)], 3.0))
    again = engine()
    assert again.restore(running.snapshot()) == []
    assert [each.reason for each in again.apply_value(frame([], 31.0))] == ["probe.silent", "probe.back"]


def test_rows_of_two_frames_that_wait_together_keep_their_order_in_a_snapshot() -> None:
    level: list[int] = []
    probe = replace(PROBE, observe=lambda params, state, rows, ctx: level.extend(ctx.cards.care_level[rows.home]))
    running = engine(probe=probe)
    card = Row(31.0, device="card", kind="card", card=Card(version=1, care_level=3))
    running.apply([running.decode(frame([Row(3.0), card], 3.0)), running.decode(frame([Row(32.0, seq=1)], 3.0))])
    again = engine(probe=probe)
    again.restore(running.snapshot())
    again.apply_value(frame([], 40.0))
    assert level == [0, 3]


def test_a_detector_whose_state_changed_its_version_starts_anew_and_the_others_go_on() -> None:
    running = Engine(0, "bulk", {"probe": PROBE, "press": PRESS})
    running.apply_value(frame([Row(3.0)], 3.0))
    again = Engine(0, "bulk", {"probe": replace(PROBE, version=2), "press": PRESS})
    assert again.restore(running.snapshot()) == ["main/probe"]
    assert again.apply_value(frame([], 500.0)) == []


def test_snapshots_of_another_lane_or_grid_are_of_another_format() -> None:
    formats = [engine().format, engine("urgent").format, Engine(0, "bulk", {"probe": PROBE}, grid_s=5.0).format]
    assert len(set(formats)) == 3


def test_a_detector_runs_only_on_its_lanes() -> None:
    only_urgent = replace(PRESS, lanes=("urgent",))
    assert engine("bulk", press=only_urgent).apply_value(frame([Row(5.0, kind="call")], 5.0)) == []


def test_a_replay_that_is_over_is_forgotten_and_a_bridge_that_is_away_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.engine.FORGET_FRAMES", 10)
    running = engine()
    running.apply_value(frame([Row(3.0)], 3.0, source="replay-1", clock="recorded"))
    running.apply_value(frame([Row(3.0)], 3.0, source="away"))
    for n in range(20):
        running.apply_value(frame([], 4.0 + n, source="main"))
    running.apply_value(frame([Row(3.0)], 3.0, source="replay-2", clock="recorded"))
    assert {each.source for each in running.standings()} == {"away", "main", "replay-2"}
    assert running.counts() == (3, 0)


def test_cards_known_from_the_start_are_in_force_at_a_homes_first_row() -> None:
    level: list[int] = []
    probe = detector(lambda params, state, rows, ctx: level.extend(ctx.cards.care_level[rows.home]))
    values: list[tuple[Any, int, bytes]] = [("bulk", 0, frame([Row(1.0)], 1.0))]
    assert list(detect(values, {"order": probe}, cards={"home-1": Card(version=1, care_level=3)})) == []
    assert level == [3]


def test_offline_each_lane_and_partition_is_an_engine_of_its_own() -> None:
    values: list[tuple[Any, int, bytes]] = [
        (lane, number, frame([Row(5.0, home=f"{lane}-{number}", kind="call")], 5.0, lane=lane))
        for lane in ("bulk", "urgent")
        for number in (0, 1)
    ]
    told = list(detect(values, {"press": PRESS}))
    assert [(each.lane, each.home_id) for each in told] == [
        ("bulk", "bulk-0"),
        ("bulk", "bulk-1"),
        ("urgent", "urgent-0"),
        ("urgent", "urgent-1"),
    ]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=60))
def test_rounds_keep_each_subjects_order_and_show_it_once_in_a_call(rows: list[tuple[int, int]]) -> None:
    subject, kind = (np.array([row[i] for row in rows], dtype=np.int64) for i in (0, 1))
    calls = list(zip(rounds(subject, kind).tolist(), kind.tolist(), strict=True))
    for each in range(4):
        mine = [call for call, (owner, _) in zip(calls, rows, strict=True) if owner == each]
        assert mine == sorted(set(mine))
