"""Deliveries: received messages until all that they gave is held by Kafka, and then their PUBACKs, many in one packet.

What is in our hands when its connection is lost comes again on the next one. It is known by topic and payload, as often as it is held, and taken
once: were it taken again, a long absence of Kafka would put more repeats into the log than its readers remember. So does, marked DUP, what was
acknowledged shortly before a broker died, because it writes its sessions down only every few seconds.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from typing import Protocol

FORGOTTEN_S = 10.0
"""A broker that dies may have forgotten acknowledgements that are so old, s: twice the 5 s in which ours writes its sessions down."""


class Channel(Protocol):
    """What deliveries need of a connection (``mqtt.Connection``)."""

    name: str
    epoch: int

    def acknowledge(self, epoch: int, mids: Sequence[int]) -> bool: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Delivery:
    """One message that wants an acknowledgement. ``parts``: frames and dead letters that are not held yet. ``what``: hash of its topic and payload."""

    __slots__ = ("connection", "epoch", "mid", "parts", "size", "what")

    def __init__(self, connection: Channel, mid: int, size: int, what: int) -> None:
        self.what = what
        self.connection = connection
        self.epoch = connection.epoch
        self.mid = mid
        self.size = size
        self.parts = 0


class Group:
    """Messages of one connection whose rows are all in the same frame, so that they are held and acknowledged together: nearly all messages. One by one
    they would each cost as much as reading them does."""

    __slots__ = ("apart", "connection", "done", "epoch", "mids", "size", "whats")

    def __init__(self, connection: Channel) -> None:
        self.connection = connection
        self.epoch = connection.epoch
        self.mids: list[int] = []
        self.whats: list[int] = []
        self.size = 0
        self.done = False
        self.apart: list[Delivery] = []
        """What became of them when the connection was lost: each is expected again by itself."""


class Deliveries:
    """Counts what is in flight on each connection, acknowledges, and stops reading while too many bytes are in flight."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._loop = asyncio.get_running_loop()
        self._full: set[str] = set()
        """Connections paused here; one that is paused for another reason (the bridge leaves) stays so."""
        self._done: dict[tuple[Channel, int], list[int]] = {}
        self._open: dict[Channel, tuple[int, dict[Delivery | Group, None]]] = {}
        """Epoch of the last message, and what is not done of it; of a lost connection also what was done since."""
        self._expected: dict[Channel, dict[int, list[Delivery]]] = {}
        """What an older connection brought and the broker will send again, by ``what``; some of it is done meanwhile."""
        self._just_done: dict[Channel, list[int]] = {}
        self._lately: deque[tuple[float, dict[Channel, list[int]]]] = deque()
        """What was done within FORGOTTEN_S, and when. Plain numbers: the collector of cycles would look at so many objects again and again."""
        self._forgotten: dict[Channel, Counter[int]] = {}
        """What was done lately on an older connection, by ``what``."""
        self.messages: dict[str, int] = {}
        """In flight, by name of connection; those of lost connections included until Kafka holds them."""
        self.bytes: dict[str, int] = {}
        self.acknowledged: dict[str, int] = {}

    def open(self, connection: Channel, mid: int, size: int, what: int, dup: bool = False) -> Delivery | None:
        """A message came in. None: an older connection brought it and it was taken then; it is acknowledged under its new id."""
        ours = self._of_this_epoch(connection)
        if (expected := self._expected.get(connection)) and what in expected:
            self._renew(expected, what, mid)
            return None
        if dup and (forgotten := self._forgotten.get(connection)) and forgotten[what] > 0:
            forgotten[what] -= 1
            self._acknowledge(connection, connection.epoch, mid)
            return None
        self.count(connection, 1, size)
        delivery = Delivery(connection, mid, size, what)
        ours[delivery] = None
        return delivery

    def count(self, connection: Channel, messages: int, size: int) -> None:
        """So many more are in flight; beyond the limit no more is read."""
        name = connection.name
        self.messages[name] = self.messages.get(name, 0) + messages
        self.bytes[name] = self.bytes.get(name, 0) + size
        if self.bytes[name] > self._limit and name not in self._full:
            self._full.add(name)
            connection.pause()

    def group(self, connection: Channel) -> Group:
        """A group to put messages into; ``count`` has to be told of them."""
        group = Group(connection)
        self._of_this_epoch(connection)[group] = None
        return group

    def is_all_new(self, connection: Channel) -> bool:
        """Nothing that an older connection brought is still expected again, so that what comes without DUP is new."""
        self._of_this_epoch(connection)
        return not self._expected.get(connection)

    def _of_this_epoch(self, connection: Channel) -> dict[Delivery | Group, None]:
        """What is open; on a new connection nothing yet, and what the one before left is expected again."""
        epoch, ours = self._open.get(connection, (-1, {}))
        if epoch != connection.epoch:
            expected = self._expected.setdefault(connection, {})
            for each in ours:
                for delivery in _apart(each) if isinstance(each, Group) else (each,):
                    expected.setdefault(delivery.what, []).append(delivery)
            self._remember()
            lately = (done.get(connection, ()) for _, done in self._lately)
            self._forgotten[connection] = Counter(what for whats in lately for what in whats)
            ours = {}
            self._open[connection] = (connection.epoch, ours)
        return ours

    def _renew(self, expected: dict[int, list[Delivery]], what: int, mid: int) -> None:
        delivery, *others = expected.pop(what)
        if others:
            expected[what] = others
        delivery.epoch, delivery.mid = delivery.connection.epoch, mid
        if delivery.parts > 0:
            self._open[delivery.connection][1][delivery] = None
        else:
            self._acknowledge(delivery.connection, delivery.epoch, mid)

    def caught_up(self, connection: Channel) -> None:
        """All that the broker had to send again has come; an equal message is a new one from now on."""
        self._of_this_epoch(connection)
        self._expected.pop(connection, None)
        self._forgotten.pop(connection, None)

    def settle(self, delivery: Delivery) -> None:
        """One part is held. With the last one the message is acknowledged, behind what else this turn of the loop settles."""
        delivery.parts -= 1
        if delivery.parts <= 0:
            self.close(delivery)

    def settle_group(self, group: Group) -> None:
        """Their frame is held."""
        connection = group.connection
        if group.apart:
            for delivery in group.apart:
                self.settle(delivery)
            return
        group.done = True
        self._uncount(connection, len(group.mids), group.size)
        if group.epoch == connection.epoch:
            del self._open[connection][1][group]
            self._just_done.setdefault(connection, []).extend(group.whats)
        self._acknowledge(connection, group.epoch, *group.mids)

    def close(self, delivery: Delivery) -> None:
        """Nothing of the message is outstanding."""
        connection = delivery.connection
        self._uncount(connection, 1, delivery.size)
        if delivery.epoch == connection.epoch:
            del self._open[connection][1][delivery]
            self._just_done.setdefault(connection, []).append(delivery.what)
        self._acknowledge(connection, delivery.epoch, delivery.mid)

    def _uncount(self, connection: Channel, messages: int, size: int) -> None:
        name = connection.name
        self.messages[name] -= messages
        self.bytes[name] -= size
        if name in self._full and self.bytes[name] < self._limit // 2:
            self._full.remove(name)
            connection.resume()

    def _acknowledge(self, connection: Channel, epoch: int, *mids: int) -> None:
        if not self._done:
            self._loop.call_soon(self.flush)
        self._done.setdefault((connection, epoch), []).extend(mids)

    def _remember(self) -> None:
        now_s = time.monotonic()
        if self._just_done:
            self._lately.append((now_s, self._just_done))
            self._just_done = {}
        while self._lately and self._lately[0][0] < now_s - FORGOTTEN_S:
            self._lately.popleft()

    def leave(self) -> None:
        """From now on nobody is told to read on."""
        self._full.clear()

    def flush(self) -> None:
        """Send the PUBACKs of what is done. Those of an older connection are dropped: the broker sends the messages again."""
        done, self._done = self._done, {}
        self._remember()
        for (connection, epoch), mids in done.items():
            if connection.acknowledge(epoch, mids):
                self.acknowledged[connection.name] = self.acknowledged.get(connection.name, 0) + len(mids)


def _apart(group: Group) -> list[Delivery]:
    """The messages of a group whose connection is lost, each for itself. The first stands for the bytes of all; they are done with at the same time."""
    for mid, what in zip(group.mids, group.whats, strict=True):
        delivery = Delivery(group.connection, mid, 0, what)
        delivery.epoch, delivery.parts = group.epoch, 0 if group.done else 1
        group.apart.append(delivery)
    if group.apart:
        group.apart[0].size = group.size
    return group.apart
