"""The city's packets: each passes the gate, each device counts from one without holes, every home has its turn."""

from collections import defaultdict
from typing import Any

import pytest

from bench import city, store
from bench.load import home_name
from contracts.names import parse_topic
from contracts.partitions import partition_of
from ingest import gate
from ingest.mqtt import Publish, Stream
from storage import writer
from storage.counts import Counts
from storage.telemetry import batch_of


class Taker:
    """Stands where a connection would, and takes the packets apart as the bridge does."""

    def __init__(self) -> None:
        self._id = 0
        self.taken: list[Publish] = []

    def next_id(self) -> bytes:
        self._id += 1
        return self._id.to_bytes(2, "big")

    def send(self, packets: bytes) -> None:
        stream: Any = Stream.__new__(Stream)
        stream._buffer, stream._at, stream._for_paho, stream._ended = packets, 0, bytearray(), False
        for messages in stream.packets(1_000_000):
            self.taken += messages
        assert stream._at == len(packets)


@pytest.mark.parametrize(("pack", "qos"), [(1, 1), (3, 1), (1, 0)])
def test_every_packet_passes_the_gate_and_every_home_has_its_turn(pack: int, qos: int) -> None:
    load = city.CityLoad("c123456", 90, 1000.0, pack, qos)
    takers: Any = [Taker() for _ in range(7)]
    load._pipes = takers
    for _ in range(60):
        load._send_ordinary(37 if pack == 1 else 11)
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, taker in enumerate(takers):
        assert [mid for _, _, mid, _ in taker.taken] == [place * qos for place in range(1, len(taker.taken) + 1)]
        for address, payload, _, _ in taker.taken:
            topic = address.decode()
            judged = gate.judge(topic, payload)
            assert not judged.refusals, judged.refusals
            assert len(judged.parts) == pack
            home = parse_topic(topic).home_id
            assert int(home.rpartition("-")[2]) % 7 == number, "a home stays on its connection"
            account = parse_topic(topic).account
            numbers[home, account] += [part.reading.seq or 0 for part in judged.parts]
    assert {home for home, _ in numbers} == {home_name("c123456", number) for number in range(90)}
    for found in numbers.values():
        assert found == list(range(1, len(found) + 1))
    assert load.sent == sum(len(taker.taken) for taker in takers)
    assert load.sent + load._more == sum(map(len, numbers.values()))


def test_rows_for_the_store_are_each_device_s_once_a_minute_and_pass_the_writer_s_check() -> None:
    given = store.records(1_000, homes=300)
    reading = writer.decode(given)
    assert not reading.letters
    batch = batch_of([frame for _, frame in reading.frames])
    assert batch.rows == 1_000
    assert set(batch.tables) == set(store.STORED)
    counts = Counts()
    counts.add(batch.tables)
    runs = counts.runs()
    assert sum(runs["to_seqs"]) == 1_000, "every device counts from one without a hole"
    assert set(runs["from_seqs"]) == {1}


def test_what_says_something_is_registered_and_homes_meet_all_partitions() -> None:
    for number in range(120):
        registered = {device.device_id for device in city.devices_of(number)}
        assert {sort.device.device_id for sort in city.sorts_of(number)} <= registered
        assert ("sos" in registered) == (number % city.EVERY == 0)
    assert {partition_of(home_name("c123456", number), 16) for number in range(500)} == set(range(16))
