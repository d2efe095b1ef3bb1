"""The load: what it publishes passes the gate, keeps its rate and its numbers, and the figures are computed as they are named."""

from collections import Counter, defaultdict
from typing import Any

import pytest

from bench import flow, load
from bench.observing import stage_of
from bench.residents import signals_of
from cli._offline import detections_of
from contracts.detections import Detection
from contracts.kinds import ROLES, Card
from contracts.names import parse_topic
from ingest import gate
from stream.registry import discover


class Recorder:
    """Stands where a connection would, and takes everything."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []

    def publish(self, topic: bytes, payload: bytes) -> None:
        self.taken.append((topic.decode(), payload))

    async def room(self) -> None:
        return None

    async def settled(self, timeout_s: float) -> bool:
        return True


@pytest.fixture
async def sent() -> tuple[load.Load, list[tuple[str, bytes]]]:
    running = load.Load("b123456", 40, 3000, 30, 20, 10)
    recorders: Any = [Recorder() for _ in range(load.CONNECTIONS)]
    running._pipes = recorders
    await running.warm(0.0)
    await running.publish(0.5)
    return running, [message for recorder in recorders for message in recorder.taken]


async def test_every_message_passes_the_gate_and_every_device_counts_from_one(
    sent: tuple[load.Load, list[tuple[str, bytes]]],
) -> None:
    numbers: dict[str, list[int]] = defaultdict(list)
    for topic, payload in sent[1]:
        judged = gate.judge(topic, payload)
        assert not judged.refusals, judged.refusals
        assert len(judged.parts) == 1
        assert judged.parts[0].reading.seq is not None
        numbers[parse_topic(topic).account].append(judged.parts[0].reading.seq)
    for account, found in numbers.items():
        assert found == list(range(1, len(found) + 1)), account


async def test_the_rate_is_kept_and_the_mix_is_as_said(sent: tuple[load.Load, list[tuple[str, bytes]]]) -> None:
    running, messages = sent
    assert running.sent == len(messages)
    assert running.sent >= 0.9 * 3000 * 0.5
    kinds = Counter(payload.split(b'"')[3] for _, payload in messages)
    assert kinds[b"vitals"] > kinds[b"power"] > kinds[b"status"] > 0
    assert kinds[b"call"] >= 0.009 * 3000 * 0.4


async def test_watched_messages_are_known_by_home_and_a_leak_is_two_readings(
    sent: tuple[load.Load, list[tuple[str, bytes]]],
) -> None:
    running, messages = sent
    assert running.calls
    assert running.leaks
    gas = Counter(parse_topic(topic).home_id for topic, payload in messages if b"gas_lel_pct" in payload)
    assert set(gas.values()) == {2}
    cards = {
        home_id: Card(
            version=1, device_ids=("gas",), device_roles=("gas",), device_rooms=("kitchen",), device_residents=("",)
        )
        for home_id in gas
    }
    told = detections_of(
        [m for m in messages if b"gas_lel_pct" in m[1]], cards, {"gas": discover()["gas"]}, partitions=1
    )
    assert {each.home_id for each in told if each.on} == set(running.leaks), (
        "each leak must be one to the shipped detector"
    )
    assert set(gas) == set(running.leaks)


def test_devices_of_the_load_have_known_roles_and_ask_for_no_supervision_by_the_minute() -> None:
    assert all(
        device.role in ROLES and device.role not in ("hub", "stove", "radar", "fridge") for device in load.DEVICES
    )


@pytest.mark.parametrize(
    ("process", "stage"),
    [
        ("stream-1", "stream"),
        ("stream-urgent-2", "stream-urgent"),
        ("ingest-main", "ingest"),
        ("kafka", "kafka"),
        ("alerts-2", "alerts"),
    ],
)
def test_processes_of_one_stage_are_added_up(process: str, stage: str) -> None:
    assert stage_of(process) == stage


def test_latencies_are_percentiles_of_what_arrived() -> None:
    assert flow._ms(flow._after_s([(11.0, 10.0), (None, 10.0), (10.5, 10.0)])) == {
        "p50": 500.0,
        "p99": 1000.0,
        "max": 1000.0,
    }
    assert flow._ms([]) == {"p50": None, "p99": None, "max": None}


def test_a_case_is_one_for_each_home_and_family_while_it_is_on() -> None:
    def said(at_s: float, number: int, on: bool = True, family: Any = "gas", revision: int = 1) -> Detection:
        return Detection(
            detection_id=f"d-{number}", detector=family, family=family, lane="bulk", home_id="h-1", on=on, revision=revision, started_at_s=at_s,
            event_at_s=at_s, decided_at_s=at_s, score=1, reason="x",
        )  # fmt: skip

    told = [
        said(1, 1),
        said(2, 2),
        said(3, 1, on=False, revision=2),
        said(4, 2, on=False, revision=2),
        said(5, 3),
        said(5, 9, family="co"),
    ]
    assert [(signal.case_id, signal.detection_id) for signal in signals_of(told)] == [
        ("h-1/gas/1", "d-1"), ("h-1/gas/1", "d-2"), ("h-1/gas/2", "d-3"), ("h-1/co/1", "d-9"),
    ]  # fmt: skip
