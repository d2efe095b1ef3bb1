"""The usual message in one go: what it takes, intake would have taken just so; what is anything else it leaves alone."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.clocks import WallClock
from contracts.frames import FrameBuilder, FrameMeta, decode
from contracts.names import AREA_CANARY, Topic, parse_topic
from contracts.partitions import partition_of
from ingest.event_time import EventTimes
from ingest.intake import Intake
from ingest.usual import CHANNEL, Usual, UsualRow

NOW = 1_800_000_000.0
ADDRESS = "shouwang/v1/330282101/home-1.hub"
META = FrameMeta(source="s", lane="bulk", watched_until_s=None)


class Gatehouse:
    """Intake alone, and beside it intake with ``Usual`` in front, as the bridge has them."""

    def __init__(self, known: bool = True) -> None:
        self.now_s = NOW
        clock = WallClock(wall=lambda: self.now_s, steady=lambda: self.now_s)
        self.alone_times, self.times = EventTimes(), EventTimes()
        self.alone, self.behind = Intake(clock, self.alone_times, 16), Intake(clock, self.times, 16)
        self.usual = Usual(self.times, 16)
        if known:
            self.take({"kind": "motion", "moving": True, "t": NOW, "sent": NOW, "boot": 1, "seq": 1})

    def take(self, payload: Any, *, live: bool = True, later: float = 0.0) -> list[UsualRow] | None:
        """What ``usual`` says; checked against what intake alone makes of the same messages."""
        self.now_s += later
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        topic, address = f"{ADDRESS}/telemetry", ADDRESS.encode()
        wanted = self.alone.take(topic, raw, live=live)
        sender = self.usual.senders.get(address)
        rows = self.usual.read(sender, raw, self.now_s, live) if sender is not None else None
        if rows is None:
            self.behind.take(topic, raw, live=live)
            self.usual.remember(address, parse_topic(topic))
        else:
            assert sender is not None
            assert not wanted.refusals
            assert not wanted.ignored
            assert {sender.partition} == {row.partition for row in wanted.rows}
            assert not any(row.urgent or row.repeat or row.waits for row in wanted.rows)
            ours, theirs = FrameBuilder(), FrameBuilder()
            for row in rows:
                ours.add_row(*row)
            for each in wanted.rows:
                theirs.add(each.kind, each.envelope, each.reading)
            assert decode(ours.build(META)).batches == decode(theirs.build(META)).batches
        assert self.times.look_of("home-1.hub") == self.alone_times.look_of("home-1.hub")
        return rows


def reading(**changes: Any) -> dict[str, Any]:
    given = {"kind": "vitals", "t": NOW, "sent": NOW, "boot": 1, "seq": 2, "heart_rate_bpm": 70} | changes
    return {name: value for name, value in given.items() if value is not ...}


def test_a_reading_and_a_list_of_a_hubs_children_are_the_usual_case() -> None:
    gatehouse = Gatehouse()
    rows = gatehouse.take(reading())
    assert rows is not None
    kind, envelope, values = rows[0]
    assert (kind, envelope) == ("vitals", ("home-1", "hub", None, None, NOW, NOW, NOW, 0, 1, 2))
    assert list(values) == [None, 70.0, *[None] * 7]
    rows = gatehouse.take([reading(device="watch", resident="r-1"), reading(seq=3, device="hub")])
    assert rows is not None
    assert [envelope[:4] for _, envelope, _ in rows] == [
        ("home-1", "watch", "hub", "r-1"),
        ("home-1", "hub", None, None),
    ]


def test_what_was_not_heard_before_or_lacks_something_is_left_to_intake() -> None:
    assert Gatehouse(known=False).take(reading()) is None
    for name in ("t", "sent", "boot", "seq"):
        assert Gatehouse().take(reading(**{name: ...})) is None


def test_what_is_urgent_or_has_to_be_checked_is_left_to_intake() -> None:
    urgent = {"kind": "call", "action": "press"}
    for payload in (
        reading(heart_rate_bpm=..., **urgent),
        [reading(), reading(heart_rate_bpm=..., seq=3, **urgent)],
        reading(kind="status", heart_rate_bpm=..., online=True),
        reading(heart_rate_bpm=900),
        [reading(), reading(seq=3, heart_rate_bpm=900)],
        [],
        b"",
        b"\xff",
        b'{"kind":"vitals","t":NaN}',
        b"[" * 100_000,
        json.dumps(reading()).encode() + b" " * 600_000,
    ):
        assert Gatehouse().take(payload) is None


def test_a_clock_that_is_not_right_is_left_to_intake_and_right_again_once_it_is() -> None:
    gatehouse = Gatehouse()
    assert gatehouse.take(reading(sent=NOW + 4_000, t=NOW + 4_000)) is None
    assert gatehouse.take(reading(seq=3), live=False) is None, "what is known of the clock corrects it"
    assert gatehouse.take(reading(seq=4)) is not None
    assert gatehouse.take(reading(seq=5, t=NOW - 86_400), live=False) is not None
    assert gatehouse.take(reading(seq=6, boot=9)) is None, "a device that started anew may have lost its time"
    assert gatehouse.take(reading(seq=7, boot=9)) is not None


def test_the_canarys_own_account_is_never_known() -> None:
    usual = Usual(EventTimes(), 16)
    usual.remember(b"a", Topic(AREA_CANARY, "canary-0", "canary", "telemetry", ""))
    usual.remember(b"b", Topic(AREA_CANARY, "canary-0", "watch", "telemetry", ""))
    assert list(usual.senders) == [b"b"]
    assert usual.senders[b"b"].partition == partition_of("canary-0", 16)
    assert CHANNEL == b"/telemetry"


TIMES = st.sampled_from([-40 * 86_400.0, -3_600.0, -61.0, -59.0, -1.0, 0.0, 1.0, 59.0, 61.0, 3_600.0]) | st.none()
READINGS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["vitals", "motion", "call", "air", "status", "nothing"])},
    optional={
        "t": TIMES.map(lambda by: by if by is None else NOW + by),
        "sent": TIMES.map(lambda by: by if by is None else NOW + by),
        "boot": st.sampled_from([1, 2, None, -1]),
        "seq": st.integers(0, 3),
        "device": st.sampled_from(["hub", "watch", "Not an id", None]),
        "resident": st.sampled_from(["r-1", None]),
        "moving": st.booleans(),
        "heart_rate_bpm": st.sampled_from([70, 71.5, 900, "70"]),
        "temperature_c": st.just(21.5),
        "action": st.just("press"),
        "online": st.just(True),
    },
)


@settings(max_examples=300, deadline=None)
@given(
    story=st.lists(
        st.tuples(READINGS | st.lists(READINGS, max_size=3), st.booleans(), st.sampled_from([0.0, 1.0, 40.0])),
        max_size=12,
    )
)
def test_whatever_comes_both_ways_give_the_same(story: list[tuple[Any, bool, float]]) -> None:
    gatehouse = Gatehouse()
    for payload, live, later in story:
        gatehouse.take(payload, live=live, later=later)
        gatehouse.take(msgspec.json.encode(reading(t=gatehouse.now_s, sent=gatehouse.now_s)), live=live)
