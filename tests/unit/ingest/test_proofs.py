"""Markers: a broker that stood still was watched by nobody, although none of its connections was lost."""

from typing import Any

from ingest.proofs import Proofs


class Clock:
    """Stands where it is put."""

    name, speed = "wall", 1.0

    def __init__(self) -> None:
        self.at_s = 1000.0

    def now_s(self) -> float:
        return self.at_s


class Line:
    """Stands where a connection would; what is published waits until it is asked for."""

    name, is_up, epoch = "bulk", True, 1

    def __init__(self) -> None:
        self.markers: list[bytes] = []

    def publish(self, _topic: str, payload: bytes) -> bool:
        self.markers.append(payload)
        return True


def test_markers_that_waited_at_the_door_of_a_broker_that_stood_still_prove_nothing() -> None:
    told: list[tuple[float, tuple[float, float] | None]] = []
    clock, line = Clock(), Line()
    connection: Any = line
    proofs = Proofs("main", ["bulk"], clock, 990.0, 5.0, lambda until_s, gap: told.append((until_s, gap)))

    def comes_back() -> None:
        assert proofs.came_back(connection, line.markers.pop(0))

    proofs.up(connection)
    comes_back()
    assert told == [(1000.0, (990.0, 1000.0))]
    for clock.at_s in (1001.0, 1002.0, 1003.0):  # the broker stands still from here on
        proofs.send([connection])
    clock.at_s = 1060.0
    proofs.stalled(connection)  # it goes on; what it brings first are these
    for _ in range(3):
        comes_back()
    assert told[1:] == [(1000.0, None)] * 3, "nothing is proven by them"
    clock.at_s = 1060.2
    comes_back()
    assert told[4:] == [(1060.0, (1000.0, 1060.0))]
