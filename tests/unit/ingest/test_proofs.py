"""Markers: a broker that stood still was watched by nobody, although none of its connections was lost."""

from typing import Any

from contracts.clocks import WallClock
from ingest.clocks import VirtualClock
from ingest.proofs import Proofs


class Clock:
    """Stands where it is put."""

    name, speed = "wall", 1.0

    def __init__(self) -> None:
        self.at_s = 1000.0

    def now_s(self) -> float:
        return self.at_s

    def complete_until_s(self) -> float:
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


def test_a_bridge_that_stood_still_did_not_watch_meanwhile(monkeypatch: Any) -> None:
    told: list[tuple[float, tuple[float, float] | None]] = []
    clock, line, steady = Clock(), Line(), [50.0]
    connection: Any = line
    monkeypatch.setattr("ingest.proofs.steady_s", lambda: steady[0])
    proofs = Proofs("main", ["bulk"], clock, 990.0, 5.0, lambda until_s, gap: told.append((until_s, gap)), stall_s=5.0)

    def comes_back() -> None:
        assert proofs.came_back(connection, line.markers.pop(0))

    proofs.up(connection)
    comes_back()
    clock.at_s, steady[0] = 1004.0, 54.0
    proofs.send([connection])
    comes_back()
    assert told[1:] == [(1004.0, None)], "four seconds are no standing still"
    proofs.send([connection])
    clock.at_s, steady[0] = 1064.0, 114.0  # frozen for a minute, and thawed
    comes_back()  # sent before, so it proves nothing of the time since
    proofs.send([connection])
    clock.at_s = 1064.1
    comes_back()
    assert told[2:] == [(1004.0, None), (1064.0, (1004.0, 1064.0))]


def test_in_a_played_world_no_more_is_proven_than_was_played_when_the_marker_left() -> None:
    told: list[tuple[float, tuple[float, float] | None]] = []
    wall_s, line = [1000.0], Line()
    connection: Any = line
    clock = VirtualClock(1000.0, 5000.0, 60.0, WallClock(wall=lambda: wall_s[0], steady=lambda: wall_s[0]))
    proofs = Proofs("demo", ["bulk"], clock, 4000.0, 5.0, lambda until_s, gap: told.append((until_s, gap)))
    proofs.up(connection)
    assert proofs.came_back(connection, line.markers.pop(0))
    assert told == [], "nobody has said yet how far the world is"
    wall_s[0] = 1001.0
    clock.observe(5050.0)
    proofs.send([connection])
    clock.observe(5055.0)
    wall_s[0] = 1004.0  # whoever plays the world has no processor for three seconds
    proofs.send([connection])
    for _ in range(2):
        assert proofs.came_back(connection, line.markers.pop(0))
    assert told == [(5050.0, (4000.0, 5000.0)), (5055.0, None)]
