"""Rows of frames in the hypertables: each once, whatever is repeated; what cannot be stored harms nothing beside it."""

import time
from datetime import UTC, datetime

import psycopg
import pytest

from contracts.dead_letters import DeadLetter
from contracts.kinds import CORRECTED, FROM_DEVICES, RECEIVED, UNRESOLVED
from storage.settings import WriterSettings
from storage.telemetry import Batch, Letter, TelemetryStore
from storage.writer import Session
from tests.unit.storage.rows import T0, batch, frame, row
from tests.unit.storage.test_writer import Record

pytestmark = pytest.mark.services

VALUES = {
    "vitals": {"heart_rate_bpm": 71.5, "steps": 12}, "motion": {"moving": True, "cause": "vibration"}, "contact": {"open": False},
    "presence": {"present": True, "posture": "lying"}, "water": {"litres": 1.25}, "power": {"on": True, "power_w": 1400.0},
    "air": {"co_ppm": 30.0}, "holding": {"temperature_c": 64.0, "mode": "hot"},
    "inertial": {"rate_hz": 50.0, "range_g": 4.0, "samples": bytes(range(12))}, "position": {"lat_deg": 30.2, "lon_deg": 121.2},
    "status": {"battery_pct": 55.0, "firmware": "1.2\0", "online": True}, "call": {"action": "hold"}, "fall_alarm": {"alarm": True, "source": "radar"},
    "smoke_alarm": {"alarm": True}, "gas_alarm": {"alarm": False}, "co_alarm": {"alarm": True, "test": True}, "leak_alarm": {"alarm": True},
}  # fmt: skip


@pytest.mark.parametrize("kind", FROM_DEVICES)
def test_what_goes_into_a_frame_comes_out_of_the_database(store, telling, kind):
    store.store(batch(row(kind, seq=7, via="hub", **VALUES[kind])))
    names = ", ".join(f'"{name}"' for name in VALUES[kind])
    (found,) = telling.rows(
        f"SELECT home_id, device_id, via, event_at, received_at, device_at, clock, boot, seq, {names} FROM reading_{kind}"
    )
    at = datetime.fromtimestamp(T0, UTC)
    assert found[:9] == ("h-1", "watch", "hub", at, datetime.fromtimestamp(T0 + 0.1, UTC), at, 0, 1, 7)
    assert found[9:] == tuple(
        value.replace("\0", "") if isinstance(value, str) else value for value in VALUES[kind].values()
    )


def test_what_was_not_measured_is_null_and_never_0(store, telling):
    store.store(batch(row(seq=1)))
    assert telling.rows("SELECT heart_rate_bpm, steps, via FROM reading_vitals") == [(None, None, None)]


def test_the_same_frame_twice_is_stored_once(store, telling):
    rows = [row(seq=n, at_s=T0 + n) for n in range(5)] + [row("motion", seq=5)]
    assert store.store(batch(*rows)).new == {"vitals": 5, "motion": 1}
    again = store.store(batch(*rows))
    assert (again.new, again.repeated) == ({"vitals": 0, "motion": 0}, {"vitals": 5, "motion": 1})
    assert telling.numbers() == [0, 1, 2, 3, 4]


def test_frames_that_overlap_are_joined_also_across_a_restart(empty, telling):
    for rows in (range(5), range(3, 8), range(9)):
        store = TelemetryStore(empty)
        store.store(batch(*[row(seq=n, at_s=T0 + n) for n in rows]))
        store.close()
    assert telling.numbers() == list(range(9))


def test_a_row_twice_in_one_batch_is_stored_once(store, telling):
    assert store.store(batch(row(seq=1), row(seq=1))).new == {"vitals": 1}
    assert telling.numbers() == [1]


def test_after_a_repeat_new_rows_go_on(store, telling):
    store.store(batch(row(seq=1)))
    store.store(batch(row(seq=1), row(seq=2, at_s=T0 + 1)))
    store.store(batch(row(seq=3, at_s=T0 + 2)))
    assert telling.numbers() == [1, 2, 3]


def test_a_repeat_whose_time_was_corrected_differently_is_known(store, telling):
    """The device's clock is off by an hour; the same reading comes twice, ten seconds apart."""
    for arrived in (T0, T0 + 10):
        store.store(batch(row(seq=1, at_s=arrived - 5, received_at_s=arrived, device_at_s=T0 - 3600, clock=CORRECTED)))
    assert telling.numbers() == [1]


def test_a_repeat_is_known_within_one_batch_too_and_the_first_arrival_counts(store, telling):
    rows = [row(seq=1, at_s=T0 + n, received_at_s=T0 + n, device_at_s=T0 - 3600, clock=CORRECTED) for n in (0, 10)]
    store.store(batch(*rows))
    assert telling.rows("SELECT event_at FROM reading_vitals") == [datetime.fromtimestamp(T0, UTC)]


@pytest.mark.parametrize("first", ["device", "corrected"])
def test_a_repeat_is_known_when_the_clock_was_judged_otherwise_the_second_time(store, telling, first):
    good = row(seq=1)
    corrected = row(seq=1, at_s=T0 + 30, device_at_s=T0, clock=CORRECTED)
    for each in (good, corrected) if first == "device" else (corrected, good):
        store.store(batch(each))
    assert telling.numbers() == [1]


def test_a_repeat_judged_otherwise_is_known_after_a_restart(empty, telling):
    for each in (row(seq=1, at_s=T0 + 30, device_at_s=T0, clock=CORRECTED), row(seq=1)):
        store = TelemetryStore(empty)
        store.store(batch(each))
        store.close()
    assert telling.numbers() == [1]


def test_a_device_that_gives_no_time_is_known_by_its_number(store, telling):
    for arrived in (T0, T0 + 7200):
        store.store(batch(row(seq=1, at_s=arrived, received_at_s=arrived, device_at_s=None, clock=UNRESOLVED)))
    assert telling.numbers() == [1]


def test_a_device_that_gives_neither_time_nor_number_is_believed_again_a_minute_later(store, telling):
    for after_s in (0, 1, 61, 3600):
        arrived = T0 // 60 * 60 + after_s
        store.store(
            batch(row("motion", seq=99, boot=-1, at_s=arrived, received_at_s=arrived, device_at_s=None, clock=RECEIVED))
        )
    assert telling.numbers("motion") == [99, 99, 99]


def test_a_counter_that_goes_back_loses_nothing(store, telling):
    """Same boot, same number, another reading: the device did not say that it started anew."""
    store.store(batch(row(seq=1, heart_rate_bpm=70.0)))
    store.store(batch(row(seq=1, at_s=T0 + 3600, heart_rate_bpm=80.0)))
    store.store(batch(row(seq=1, at_s=T0 + 7200, device_at_s=T0 + 9000, clock=CORRECTED, heart_rate_bpm=90.0)))
    assert telling.rows("SELECT heart_rate_bpm FROM reading_vitals ORDER BY event_at") == [70.0, 80.0, 90.0]


def test_one_reading_of_two_kinds_is_two_rows(store, telling):
    store.store(
        batch(
            row("air", seq=5, boot=-1, clock=RECEIVED, device_at_s=None),
            row("status", seq=5, boot=-1, clock=RECEIVED, device_at_s=None),
        )
    )
    assert (telling.numbers("air"), telling.numbers("status")) == ([5], [5])


def test_what_nobody_watched_is_noted_once_by_source(store, telling):
    for _ in range(2):
        store.store(batch(row(seq=1), unwatched=((T0 - 100, T0 - 40),)))
    assert telling.rows("SELECT source, extract(epoch FROM to_at - from_at)::int FROM unwatched") == [("main", 60)]


def a_letter(**facts):
    known = {
        "at_s": T0,
        "stage": "ingest",
        "source": "main",
        "topic": "t\0",
        "account": "h-1.watch",
        "reason": "out_of_range",
        "detail": "heart\0rate",
    }
    return DeadLetter(**(known | facts))


def test_a_dead_letter_is_kept_once_with_its_reason_and_payload(store, telling):
    for _ in range(2):
        store.store(Batch({}, (), [Letter("dead-letters.v1/0/1", a_letter(payload=b"\x00\xff"))]))
    assert telling.rows("SELECT account, reason, detail, payload FROM dead_letters") == [
        ("h-1.watch", "out_of_range", "heartrate", b"\x00\xff")
    ]


class TestSession:
    """What a stretch of storing does with records, good and bad."""

    @pytest.fixture
    def session(self, store):
        return Session(store, WriterSettings(account_s=600))

    def test_a_frame_that_cannot_be_stored_harms_nothing_beside_it(self, session, telling):
        values = [
            frame([row(seq=1)]),
            frame([row(seq=2, home="no such id!")]),
            frame([row(seq=3, at_s=T0 + 1)]),
            b"no frame",
        ]
        session.take([Record("readings.v1", 0, n, value) for n, value in enumerate(values)])
        session.account()
        assert telling.numbers() == [1, 3]
        assert telling.rows("SELECT letter_id, stage, reason FROM dead_letters ORDER BY letter_id") == [
            ("readings.v1/0/1", "writer", "bad_frame"), ("readings.v1/0/3", "writer", "bad_frame"),
        ]  # fmt: skip
        assert telling.rows(
            "SELECT next_offset FROM consumer_offsets WHERE topic = 'readings.v1' AND consumer = 'writer'"
        ) == [4]

    def test_what_the_database_refuses_is_a_dead_letter_with_its_words(self, session, store, telling):
        with psycopg.connect(
            store._connection.info.dsn, autocommit=True, password=store._connection.info.password
        ) as connection:
            connection.execute("ALTER TABLE reading_vitals ADD CONSTRAINT no_fever CHECK (body_temp_c < 40)")
            try:
                session.take(
                    [
                        Record("readings.v1", 0, n, frame([row(seq=n, at_s=T0 + n, body_temp_c=39.5 + n)]))
                        for n in range(2)
                    ]
                )
            finally:
                connection.execute("ALTER TABLE reading_vitals DROP CONSTRAINT no_fever")
        assert telling.numbers() == [0]
        (detail,) = telling.rows("SELECT detail FROM dead_letters")
        assert "no_fever" in detail

    def test_offsets_move_only_with_the_accounts_so_a_crash_counts_again_what_is_stored(self, session, empty, telling):
        records = [Record("readings.v1", 0, n, frame([row(seq=n + 1, at_s=T0 + n)])) for n in range(3)]
        session.take(records)
        assert telling.numbers() == [1, 2, 3]
        offsets = "SELECT consumer, next_offset FROM consumer_offsets ORDER BY consumer"
        assert telling.rows(offsets) == [("writer-rows", 3)]
        telling._connection.execute("DELETE FROM reading_vitals")  # so that storing again would be seen
        after_the_crash = TelemetryStore(empty)
        again = Session(after_the_crash, WriterSettings())
        more = Record("readings.v1", 0, 3, frame([row(seq=4, at_s=T0 + 3)]))
        again.take([*records, more])
        again.account()
        after_the_crash.close()
        assert telling.numbers() == [4], "only what lies behind the offset of rows is stored"
        assert telling.rows("SELECT stored::text FROM device_counts") == ["{[1,5)}"]
        assert telling.rows(offsets) == [("writer", 4), ("writer-rows", 4)]

    def test_a_frame_that_was_refused_counts_for_nothing_when_it_is_read_again(self, session, empty, telling):
        records = [
            Record("readings.v1", 0, 0, frame([row(seq=1)])),
            Record("readings.v1", 0, 1, frame([row(seq=2, home="no such id!")])),
        ]
        session.take(records)
        again = Session(TelemetryStore(empty), WriterSettings())
        again.take(records)
        again.account()
        assert telling.rows("SELECT home_id, stored::text FROM device_counts") == [("h-1", "{[1,2)}")]

    def test_accounts_of_many_partitions_have_their_turn_and_move_their_own_offset(self, store, telling):
        session = Session(store, WriterSettings(account_s=0.001))
        for turn in range(3):
            session.take(
                [
                    Record("readings.v1", part, turn, frame([row(seq=turn + 1, home=f"h-{part}", at_s=T0 + turn)]))
                    for part in range(4)
                ]
            )
        ends_s = time.monotonic() + 30
        done = "SELECT min(next_offset) FROM consumer_offsets WHERE consumer = 'writer' HAVING count(*) = 4"
        while telling.rows(done) != [3]:
            assert time.monotonic() < ends_s
            time.sleep(0.05)
            session.take([])
        assert telling.rows("SELECT home_id, stored::text FROM device_counts ORDER BY home_id") == [
            (f"h-{part}", "{[1,4)}") for part in range(4)
        ]
        assert telling.rows("SELECT partition, next_offset FROM consumer_offsets WHERE consumer = 'writer' ORDER BY 1") == [
            (part, 3) for part in range(4)
        ]  # fmt: skip

    def test_devices_are_seen_and_an_unknown_one_is_listed_as_unbound(self, session, telling):
        telling._connection.execute(
            "INSERT INTO devices (home_id, device_id, role) VALUES ('h-1', 'watch', 'wearable')"
        )
        session.take([Record("readings.v1", 0, 0, frame([row(seq=1), row("motion", seq=1, device="stranger")]))])
        session.account()
        assert telling.rows("SELECT device_id, role, bound, source, last_seen_at = to_timestamp(%s) FROM devices ORDER BY device_id", T0 + 0.1) == [
            ("stranger", "other", False, "main", True), ("watch", "wearable", True, "main", True),
        ]  # fmt: skip

    def test_how_far_a_source_was_watched_is_kept_by_partition(self, session, telling):
        session.take(
            [Record("readings.v1", 3, 0, frame([], until_s=T0)), Record("readings.v1", 3, 1, frame([], until_s=T0 + 5))]
        )
        session.account()
        assert telling.rows("SELECT source, partition, extract(epoch FROM watched_until_at)::bigint FROM sources") == [
            ("main", 3, int(T0) + 5)
        ]


def test_only_one_writer_at_a_time(store, empty):
    assert store.lock()
    other = TelemetryStore(empty)
    assert not other.lock()
    store.close()
    ends_s = time.monotonic() + 10
    while not other.lock():  # the server needs a moment to notice that the first has gone
        assert time.monotonic() < ends_s
    other.close()
