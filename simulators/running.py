"""A neighbourhood that lives: its homes' accounts connect over TLS and publish what their devices sense, on a virtual clock.

Guarantee towards the bridge: what it says on the channel ``clock`` is how far the broker holds all that the homes had to say. The
processor may come late to the simulation; to the homes it never does.

Guarantee towards the checker: every message counted in ``counts.json`` was acknowledged by the broker; every urgent one is repeated
with the same numbers until its receipt (``ok``, ``duplicate`` or ``invalid``) came. Loss and lateness happen only where the plan says so.
"""

import asyncio
import contextlib
import json
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from contracts.names import topic_of
from simulators.clock import VirtualClock
from simulators.mqtt import Address, Client
from simulators.neighbourhood import Home
from simulators.scenarios import Incident
from simulators.schedule import Schedule, story
from simulators.sending import Away, Message, Numbers, absences, messages, native

REPEAT_S = 3.0
"""Wall seconds after which an urgent message without a receipt is sent again; then every time half as long again, at most 30."""
LATE_S = 0.05
"""Behind the clock by more than this, wall s, the world is caught up with wave by wave."""
WAVE_S = 20.0
"""Length of a wave, virtual s. The broker holds all of one before the next begins: else an account whose connection is read first would be
minutes ahead of the others, and these, by the order in which things arrive, silent until then."""
PLAYED_S = 0.1
"""How often the bridge is told how far the world has been played, wall s."""
_ENCODER = msgspec.json.Encoder()
_WILL = b'{"kind":"status","online":false}'


class Credentials(msgspec.Struct, frozen=True):
    """Passwords by account; homes whose accounts are not named publish through the gateway account of their area."""

    accounts: dict[str, str] = {}
    gateway: tuple[str, str] | None = None


class Counts(msgspec.Struct, kw_only=True):
    """What a run did, for the checker; ``counts.json``."""

    clock: str
    homes: list[str]
    boot: int
    """Smallest boot number of this run: rows of earlier runs have smaller ones."""
    start_at_s: float
    """Virtual instants of the run."""
    end_at_s: float
    start_wall_s: float
    end_wall_s: float
    acknowledged: dict[str, int] = {}
    """Readings by ``home.device``."""
    skipped: int = 0
    """Numbers left out on purpose: the gaps that must be found."""
    wills: int = 0
    repeats: int = 0
    """Urgent messages sent again for want of a receipt."""
    receipts: dict[str, int] = {}
    unanswered: int = 0
    """Urgent messages still without a receipt at the end."""
    complete: bool = False


class _Control(NamedTuple):
    """A hub's connection is cut or comes back."""

    at_s: float
    home: Home
    back: bool


class _Mark(NamedTuple):
    """What is remembered of a message until it is acknowledged."""

    at_s: float
    devices: tuple[str, ...]


class _Urgent(msgspec.Struct):
    message: Message
    numbers: list[int]
    sent_wall_s: float
    again_wall_s: float
    wait_s: float
    published_wall_s: float


def _timeline(
    homes: Sequence[Home], start_s: float, end_s: float, incidents: Sequence[Incident]
) -> Iterator[Message | _Control]:
    streams: list[Iterator[Message | _Control]] = []
    for home in homes:
        told = story(home, start_s, end_s, incidents)
        away = absences(home, start_s, end_s, told.away)
        streams.append(messages(home, told.sensed, away, str(start_s)))
        streams.append(iter([control for gap in away if gap.abrupt for control in _cut(home, gap)]))
    return merge(*streams, key=lambda item: item.at_s)


def _cut(home: Home, gap: Away) -> tuple[_Control, _Control]:
    return _Control(gap.from_s, home, False), _Control(gap.to_s, home, True)


class Neighbourhood:
    """One run of simulated homes against a broker."""

    def __init__(
        self,
        homes: Sequence[Home],
        clock: VirtualClock,
        credentials: Credentials,
        address: Address,
        folder: Path,
        skips: Sequence[tuple[str, str, int]] = (),
    ) -> None:
        self.homes = {home.home_id: home for home in homes}
        self.clock = clock
        self.folder = folder
        self._credentials = credentials
        self._address = address
        self._clients: dict[str, Client] = {}
        self._gateways: dict[str, Client] = {}
        self._urgent: dict[tuple[str, int], _Urgent] = {}
        self._entries: list[Incident] = []
        self._ledger = folder / "ledger.jsonl"
        self._late_s = 0.0
        self._last_connections: int | None = None
        self._next_s = math.inf
        """Virtual instant of the first message that was not published yet, or at which the world ended."""
        self._wave_s = -math.inf
        """Virtual instant at which the wave began that is being caught up with."""
        self._played_s = 0.0
        self._teller: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        now_s = clock.at(time.time())
        self.numbers = Numbers(now_s, skips)
        self.acknowledged: Counter[str] = Counter()
        self.published = 0
        self.counts = Counts(
            clock=str(clock), homes=sorted(self.homes), boot=self.numbers.boot, start_at_s=now_s, end_at_s=now_s,
            start_wall_s=time.time(), end_wall_s=time.time(),
        )  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        self._ledger.write_text("")

    @property
    def stopped(self) -> bool:
        return self._stopping.is_set()

    def stop(self) -> None:
        """Finish what is under way and end."""
        self._stopping.set()

    async def connect(self) -> None:
        """Connect every account, a few at a time. Raises BrokerAway, BrokerRefused."""
        gate = asyncio.Semaphore(16)

        async def one(client: Client) -> None:
            async with gate:
                await client.open()

        for home in self.homes.values():
            for device in home.own_accounts:
                self._client(home, device)
        await asyncio.gather(*[one(client) for client in {*self._clients.values()}])
        self._teller = asyncio.create_task(self._tell())

    def _client(self, home: Home, device_id: str) -> Client:
        account = f"{home.home_id}.{device_id}"
        if account not in self._clients:
            password = self._credentials.accounts.get(account)
            if password is not None:
                self._clients[account] = Client(
                    self._address, account, password,
                    subscriptions=(topic_of(home.area, home.home_id, device_id, "receipt"),),
                    will=(topic_of(home.area, home.home_id, device_id, "status"), _WILL) if device_id == "hub" else None,
                    on_message=self._on_receipt, on_acknowledged=self._on_acknowledged,
                )  # fmt: skip
            elif self._credentials.gateway is not None:
                user, secret = self._credentials.gateway
                if home.area not in self._gateways:
                    self._gateways[home.area] = Client(
                        self._address, user, secret, client_id=f"sim-{user}-{home.area}",
                        subscriptions=(f"shouwang/v1/{home.area}/+/receipt",),
                        on_message=self._on_receipt, on_acknowledged=self._on_acknowledged,
                    )  # fmt: skip
                self._clients[account] = self._gateways[home.area]
            else:
                raise KeyError(f"no password for {account}, and no gateway account")
        return self._clients[account]

    async def live(self, end_s: float, plan: Schedule) -> None:
        """Publish until virtual instant ``end_s`` or ``stop``; may be called again for the time after that."""
        start_s = max(self.counts.end_at_s, self.clock.at(time.time()))
        self._entries += list(plan.incidents)
        helper = asyncio.create_task(self._repeat())
        try:
            for item in _timeline(list(self.homes.values()), start_s, end_s, plan.incidents):
                self._next_s = item.at_s
                wait_s = self.clock.wall_at(item.at_s) - time.time()
                while wait_s > 0.001 and not self._stopping.is_set():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._stopping.wait(), min(wait_s, 0.5))
                    wait_s = self.clock.wall_at(item.at_s) - time.time()
                if self._stopping.is_set():
                    return
                self._late_s = max(0.0, -wait_s)
                if self._late_s > LATE_S:
                    await self._wave(item.at_s)
                self.counts.end_at_s = item.at_s
                self._note_causes(item.at_s)
                if isinstance(item, _Control):
                    await self._control(item)
                else:
                    self._publish(item)
                if self._late_s > LATE_S:
                    await asyncio.sleep(0)  # behind: the loop must still hear acknowledgements
            self._next_s = end_s  # played so far and no further, however long it takes until somebody closes it
        finally:
            helper.cancel()

    async def _wave(self, at_s: float) -> None:
        """Before the first item of a wave: until what the standing connections have to deliver is younger than the wave before."""
        if at_s < self._wave_s + WAVE_S:
            return
        self._wave_s = at_s
        while any(since_s < at_s for since_s in self._waiting_since(connected=True)):
            if self._stopping.is_set():
                return
            await asyncio.sleep(0.002)

    def _publish(self, message: Message) -> None:
        numbers = self.numbers.take(message)
        now_s = time.time()
        if message.channel == "event":
            for number in numbers:
                entry = _Urgent(message, numbers, now_s, now_s + REPEAT_S, REPEAT_S, now_s)
                self._urgent[(f"{message.home.home_id}.{message.account_device}", number)] = entry
            self._note_urgent(message, now_s)
        devices = tuple(f"{message.home.home_id}.{reading.device_id}" for reading in message.readings)
        self._send(message, numbers, message.at_s, _Mark(message.at_s, devices))
        self.published += len(devices)

    def _send(self, message: Message, numbers: Sequence[int], sent_s: float, mark: _Mark | None) -> None:
        payload = _ENCODER.encode(native(message, self.numbers.boot, numbers, sent_s))
        topic = topic_of(message.home.area, message.home.home_id, message.account_device, message.channel)
        self._client(message.home, message.account_device).publish(
            topic, payload, mark, retain=message.channel == "status"
        )

    async def _tell(self) -> None:
        while True:
            self._tell_played(self.clock.at(time.time()))
            await asyncio.sleep(PLAYED_S)

    def _tell_played(self, until_s: float) -> None:
        """Over any connection that stands: the broker hands the bridge what it holds in the order in which it took it."""
        played_s = min([until_s, self._next_s, *self._waiting_since()])
        for account, client in self._clients.items():
            if played_s > self._played_s and client.connected:
                home_id, device_id = account.split(".", 1)
                topic = topic_of(self.homes[home_id].area, home_id, device_id, "clock")
                client.publish(topic, _ENCODER.encode({"t": played_s}))
                self._played_s = played_s

    def _waiting_since(self, connected: bool = False) -> Iterator[float]:
        """Virtual instants from which on the broker does not hold all that was published; ``connected``: of the accounts that are now."""
        for client in {*self._clients.values()}:
            if (client.connected or not connected) and (oldest := client.oldest) is not None:
                yield oldest.at_s

    async def _control(self, item: _Control) -> None:
        client = self._client(item.home, "hub")
        if client in self._gateways.values():
            return  # a shared connection is not one hub's to cut; its silence alone must be noticed
        if item.back:
            await client.revive()
        else:
            client.drop()
            self.counts.wills += 1

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(0.25)
            now_s = time.time()
            for entry in list(self._urgent.values()):
                if now_s >= entry.again_wall_s:
                    entry.wait_s = min(30.0, entry.wait_s * 1.5)
                    entry.again_wall_s = now_s + entry.wait_s
                    self.counts.repeats += 1
                    self._send(entry.message, entry.numbers, self.clock.at(now_s), None)

    def _on_acknowledged(self, mark: _Mark | None) -> None:
        if mark is not None:
            self.acknowledged.update(mark.devices)

    def _on_receipt(self, topic: str, payload: bytes) -> None:
        receipt: dict[str, Any] = msgspec.json.decode(payload)
        account = topic.split("/")[3]
        code = str(receipt.get("code"))
        self.counts.receipts[code] = self.counts.receipts.get(code, 0) + 1
        if code in ("ok", "duplicate", "invalid") and receipt.get("boot") == self.numbers.boot:
            self._urgent.pop((account, receipt.get("seq", -1)), None)

    def _note_urgent(self, message: Message, now_s: float) -> None:
        for incident in list(self._entries):
            reading = message.readings[0]
            if incident.home is message.home and incident.is_urgent and reading.at_s >= incident.at_s:
                self._write(incident, now_s)

    def _note_causes(self, at_s: float) -> None:
        for incident in list(self._entries):
            if not incident.is_urgent and at_s >= incident.at_s:
                self._write(incident, self.clock.wall_at(incident.at_s))

    def _write(self, incident: Incident, wall_s: float) -> None:
        self._entries.remove(incident)
        with self._ledger.open("ab") as file:
            file.write(_ENCODER.encode(incident.entry(wall_s)) + b"\n")

    def stats(self) -> Mapping[str, Any]:
        """What the progress display shows."""
        now_s = time.time()
        return {
            "wall_s": round(now_s, 3), "virtual_s": round(self.clock.at(now_s), 1), "homes": len(self.homes),
            "connections": self._connections(), "sent": self.published,
            "acknowledged": self.acknowledged.total(), "late_s": round(self._late_s, 3),
            "waiting_for_receipt": len(self._urgent), "incidents_to_come": len(self._entries),
        }  # fmt: skip

    def _connections(self) -> int:
        """How many stand; after the end how many stood then."""
        if self._last_connections is not None:
            return self._last_connections
        return sum(client.connected for client in {*self._clients.values()})

    def save(self, ended_wall_s: float | None = None) -> None:
        """Write ``counts.json`` as things stand, or as the homes ended at ``ended_wall_s``."""
        self.counts.acknowledged = dict(self.acknowledged)
        self.counts.skipped = self.numbers.skipped
        self.counts.end_wall_s = time.time() if ended_wall_s is None else ended_wall_s
        self.counts.unanswered = len(self._urgent)
        self.counts.complete = ended_wall_s is not None
        draft = self.folder / "counts.json.new"
        draft.write_bytes(_ENCODER.encode(self.counts))
        draft.replace(self.folder / "counts.json")

    async def close(self, settle_s: float = 10.0) -> None:
        """Wait for acknowledgements and receipts that are under way, disconnect, save. The run ended before the waiting: in it homes say nothing more."""
        ended_wall_s = time.time()
        self._next_s = min(self._next_s, self.clock.at(ended_wall_s))
        helper = asyncio.create_task(self._repeat())
        for client in {*self._clients.values()}:
            await client.settled(settle_s if client.connected else 0.0)
        deadline_s = time.time() + settle_s
        while self._urgent and time.time() < deadline_s:  # noqa: ASYNC110 - filled and emptied by callbacks of many connections
            await asyncio.sleep(0.05)
        helper.cancel()
        if self._teller is not None:
            self._teller.cancel()
        self._tell_played(self._next_s)
        for client in {*self._clients.values()}:
            await client.settled(settle_s if client.connected else 0.0)
        self.save(ended_wall_s)
        self._last_connections = self._connections()
        await asyncio.gather(*[client.close() for client in {*self._clients.values()}])


def describe(plan: Schedule, clock: VirtualClock) -> list[dict[str, Any]]:
    """The plan as ``plan.json`` holds it: what will happen, where, at which wall instant."""
    return [
        {
            "scenario": incident.scenario, "home_id": incident.home.home_id, "resident": incident.home.name,
            "virtual_s": round(incident.at_s, 1), "wall_s": round(clock.wall_at(incident.at_s), 1),
            "due_wall_s": round(clock.wall_at(incident.at_s + incident.due_s), 1),
        }
        for incident in plan.incidents
    ]  # fmt: skip


def write_plan(folder: Path, plan: Schedule, clock: VirtualClock) -> None:
    """Write ``plan.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"clock": str(clock), "incidents": describe(plan, clock), "impossible": list(plan.impossible)}
    (folder / "plan.json").write_text(json.dumps(content, ensure_ascii=False, indent=1))
