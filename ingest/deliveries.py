"""Deliveries: received messages until all that they gave is held by Kafka, and then their PUBACKs, many in one packet."""

import asyncio
from collections.abc import Sequence
from typing import Protocol


class Channel(Protocol):
    """What deliveries need of a connection (``mqtt.Connection``)."""

    name: str
    epoch: int

    def acknowledge(self, epoch: int, mids: Sequence[int]) -> bool: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Delivery:
    """One message that wants an acknowledgement. ``parts``: frames and dead letters that are not held yet."""

    __slots__ = ("connection", "epoch", "mid", "parts", "size")

    def __init__(self, connection: Channel, mid: int, size: int) -> None:
        self.connection = connection
        self.epoch = connection.epoch
        self.mid = mid
        self.size = size
        self.parts = 0


class Deliveries:
    """Counts what is in flight on each connection, acknowledges, and stops reading while too many bytes are in flight."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._loop = asyncio.get_running_loop()
        self._full: set[str] = set()
        """Connections paused here; one that is paused for another reason (the bridge leaves) stays so."""
        self._done: dict[tuple[Channel, int], list[int]] = {}
        self.messages: dict[str, int] = {}
        """In flight, by name of connection; those of lost connections included until Kafka holds them."""
        self.bytes: dict[str, int] = {}
        self.acknowledged: dict[str, int] = {}

    def open(self, connection: Channel, mid: int, size: int) -> Delivery:
        """A message came in."""
        name = connection.name
        self.messages[name] = self.messages.get(name, 0) + 1
        self.bytes[name] = self.bytes.get(name, 0) + size
        if self.bytes[name] > self._limit and name not in self._full:
            self._full.add(name)
            connection.pause()
        return Delivery(connection, mid, size)

    def settle(self, delivery: Delivery) -> None:
        """One part is held. With the last one the message is acknowledged, behind what else this turn of the loop settles."""
        delivery.parts -= 1
        if delivery.parts <= 0:
            self.close(delivery)

    def close(self, delivery: Delivery) -> None:
        """Nothing of the message is outstanding."""
        connection = delivery.connection
        self.messages[connection.name] -= 1
        self.bytes[connection.name] -= delivery.size
        if connection.name in self._full and self.bytes[connection.name] < self._limit // 2:
            self._full.remove(connection.name)
            connection.resume()
        if not self._done:
            self._loop.call_soon(self.flush)
        self._done.setdefault((connection, delivery.epoch), []).append(delivery.mid)

    def leave(self) -> None:
        """From now on nobody is told to read on."""
        self._full.clear()

    def flush(self) -> None:
        """Send the PUBACKs of what is done. Those of an older connection are dropped: the broker sends the messages again."""
        done, self._done = self._done, {}
        for (connection, epoch), mids in done.items():
            if connection.acknowledge(epoch, mids):
                self.acknowledged[connection.name] = self.acknowledged.get(connection.name, 0) + len(mids)
