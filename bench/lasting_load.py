"""A load that outlives the broker: homes that send at a steady rate, come back after every outage and send again what was not
acknowledged; some messages are delivered twice, some out of order. It keeps a ledger of what must be raised.

Guarantee: every reading counted in ``acknowledged`` has its own number and was acknowledged by the broker; a press is repeated with the
same number until its receipt; a leak goes on for LEAK_S, longer than a killed broker forgets. (``bench/load.py`` costs a third and ends
with its connection; this one is for runs in which services die.)
"""

import asyncio
import json
import time
from collections import Counter
from heapq import heappop, heappush
from itertools import count
from random import Random

from bench.load import AREA_BENCH, MIX, STEP_S, home_name
from contracts.detections import Family
from contracts.names import topic_of
from simulators.mqtt import Address, Client
from simulators.scenarios import SLACK_S, LedgerEntry

CONNECTIONS = 4
REPEATED_SHARE, HELD_BACK_SHARE = 0.02, 0.02
"""Of the ordinary messages: delivered a second time with the same boot and number; sent after younger ones of the same device."""
LATER_S = 3.0
"""Longest that a second delivery, or a message out of order, comes later, s."""
PRESSES_PER_S = 1.0
"""At most, where there are homes enough for the length of the run; and half as many leaks."""
LEAK_S, LEAK_EVERY_S = 24.0, 4.0
"""A leaking home says so for so long, this often, s. A killed broker forgets at most ``autosave_interval`` (5 s) of it."""
AGAIN_S = 3.0
"""A press without receipt is sent again after so long, s; then every time half as long again, at most 30."""
UNACKNOWLEDGED = 5000
"""A connection's messages under way, before the load waits for the broker."""


class _Press:
    """An urgent message on its way to its receipt."""

    __slots__ = ("again_at_s", "body", "home", "wait_s")

    def __init__(self, home: int, body: dict[str, object], now_s: float) -> None:
        self.home, self.body, self.wait_s = home, body, AGAIN_S
        self.again_at_s = now_s + AGAIN_S


class LastingLoad:
    """``run``: prefix of the homes' ids, as ``bench.flow.register`` made them; each rings once at most, so that a case has one cause."""

    def __init__(self, run: str, homes: int, rate_per_s: float, seed: int) -> None:
        self.run, self.homes, self.rate_per_s = run, homes, rate_per_s
        self.boot = int(time.time())
        self.acknowledged: Counter[str] = Counter()
        """Readings by ``home.device``."""
        self.ledger: list[LedgerEntry] = []
        self._rung: Counter[str] = Counter()
        self.sent = self.repeated = self.held_back = self.pressed_again = 0
        self._rng = Random(f"load/{seed}")
        self._seq: Counter[tuple[int, str]] = Counter()
        self._presses: dict[tuple[str, int], _Press] = {}
        self._later: list[tuple[float, int, int, str, bytes, str | None]] = []
        self._order = count()
        self._quiet = self._rng.sample(range(homes), homes)
        """Homes that have not rung yet."""
        self._clients: list[Client] = []

    async def connect(self, address: Address, user: str, password: str) -> None:
        """Open the gateway's connections. Raises BrokerAway, BrokerRefused."""
        for number in range(CONNECTIONS):
            client = Client(
                address, user, password, client_id=f"sim-{user}-{number}",
                # One hears all receipts of the area.
                subscriptions=(f"shouwang/v1/{AREA_BENCH}/+/receipt",) if number == 0 else (),
                on_message=self._on_receipt, on_acknowledged=self._on_acknowledged, limit=UNACKNOWLEDGED,
            )  # fmt: skip
            await client.open()
            self._clients.append(client)

    async def publish(self, seconds: float) -> None:
        """Keep the rate for so long, then let every device speak once more, so that no lost number is the last; falls behind while
        the broker is away."""
        began_s = time.monotonic()
        kinds = self._rng.choices(MIX, [kind.share for kind in MIX], k=4999)
        presses_per_s = min(PRESSES_PER_S, self.homes / 1.5 / seconds)
        for place in count():
            passed_s = time.monotonic() - began_s
            if passed_s >= seconds:
                break
            self._ring(presses_per_s, passed_s, seconds)
            self._deliver_late(time.monotonic())
            while self.sent < self.rate_per_s * passed_s and all(
                client.unacknowledged < UNACKNOWLEDGED for client in self._clients
            ):
                home, kind = self.sent % self.homes, kinds[(self.sent + place) % len(kinds)]
                self._ordinary(home, kind.device_id, kind.kind, kind.values[self._rng.getrandbits(1)])
            await asyncio.sleep(max(0.0, STEP_S - (time.monotonic() - began_s - passed_s)))
        self._deliver_late(float("inf"))
        self._last_words()

    async def settled(self, timeout_s: float) -> bool:
        """Wait until everything is acknowledged and every press has its receipt; False if that took too long."""
        limit_s = time.monotonic() + timeout_s
        while time.monotonic() < limit_s:
            self._press_again(time.monotonic())
            if not self._presses and not any(client.unacknowledged for client in self._clients):
                return True
            await asyncio.sleep(0.1)
        return False

    async def close(self) -> None:
        await asyncio.gather(*[client.close() for client in self._clients])

    @property
    def unanswered(self) -> int:
        """Presses without receipt."""
        return len(self._presses)

    def _ring(self, presses_per_s: float, passed_s: float, seconds: float) -> None:
        if self._quiet and self._rung["press"] < presses_per_s * passed_s:
            self._press(self._quiet.pop())
        # A leak that began later could not be told to its end.
        if self._quiet and self._rung["leak"] < presses_per_s / 2 * passed_s and passed_s < seconds - LEAK_S:
            self._leak(self._quiet.pop())
        self._press_again(time.monotonic())

    def _number(self, home: int, device_id: str) -> int:
        self._seq[home, device_id] += 1
        return self._seq[home, device_id]

    def _ordinary(self, home: int, device_id: str, kind: str, values: bytes) -> None:
        now_s = time.time()
        payload = b'{"kind":"%b","t":%.3f,"sent":%.3f,"boot":%d,"seq":%d,%b}' % (
            kind.encode(), now_s, now_s, self.boot, self._number(home, device_id), values,
        )  # fmt: skip
        self.sent += 1
        mark = f"{home_name(self.run, home)}.{device_id}"
        later_s = time.monotonic() + self._rng.uniform(0.0, LATER_S)
        if self._rng.random() < HELD_BACK_SHARE:
            self.held_back += 1
            heappush(self._later, (later_s, next(self._order), home, device_id, payload, mark))
            return
        self._send(home, device_id, payload, mark)
        if self._rng.random() < REPEATED_SHARE:
            self.repeated += 1
            heappush(self._later, (later_s, next(self._order), home, device_id, payload, None))

    def _deliver_late(self, until_s: float) -> None:
        while self._later and self._later[0][0] <= until_s:
            _, _, home, device_id, payload, mark = heappop(self._later)
            self._send(home, device_id, payload, mark)

    def _press(self, home: int) -> None:
        now_s = time.time()
        seq = self._number(home, "sos")
        body = {"kind": "call", "action": "press", "t": round(now_s, 3), "boot": self.boot, "seq": seq}
        press = _Press(home, body, time.monotonic())
        self._presses[f"{home_name(self.run, home)}.sos", seq] = press
        self._note("press", home, "sos", "call", now_s, SLACK_S, urgent=True)
        self.sent += 1
        self._send_press(press, f"{home_name(self.run, home)}.sos")

    def _send_press(self, press: _Press, mark: str | None) -> None:
        payload = json.dumps({**press.body, "sent": round(time.time(), 3)}).encode()
        self._send(press.home, "sos", payload, mark, "event")

    def _press_again(self, now_s: float) -> None:
        for press in list(self._presses.values()):
            if now_s >= press.again_at_s:
                press.wait_s = min(30.0, press.wait_s * 1.5)
                press.again_at_s = now_s + press.wait_s
                self.pressed_again += 1
                self._send_press(press, None)

    def _leak(self, home: int) -> None:
        self._note("leak", home, "gas", "gas", time.time(), LEAK_S + SLACK_S, urgent=False)
        self._leaking(home, 0.0)

    def _leaking(self, home: int, since_s: float) -> None:
        self._ordinary(home, "gas", "air", b'"gas_lel_pct":27')
        if since_s + LEAK_EVERY_S < LEAK_S:
            loop = asyncio.get_running_loop()
            loop.call_later(LEAK_EVERY_S, self._leaking, home, since_s + LEAK_EVERY_S)

    def _note(
        self, scenario: str, home: int, family: Family, detector: str, at_s: float, due_s: float, urgent: bool
    ) -> None:
        home_id = home_name(self.run, home)
        self._rung[scenario] += 1
        self.ledger.append(
            LedgerEntry(
                # A gas sensor that has said all it had to say is in the end found silent, and rightly so.
                scenario=scenario,
                home_id=home_id,
                resident_id=f"{home_id}-r1",
                family=family,
                detectors=(detector,),
                allowed=("device_silent",),
                cause_at_s=at_s,
                due_at_s=at_s + due_s,
                urgent=urgent,
                published_wall_s=at_s,
            )
        )

    def _last_words(self) -> None:
        """Of every device that has spoken: what a broker forgot before this is a hole in its numbers."""
        for home, device_id in list(self._seq):
            self._ordinary(home, device_id, "status", b'"battery_pct":90')
        self._deliver_late(float("inf"))

    def _send(self, home: int, device_id: str, payload: bytes, mark: str | None, channel: str = "telemetry") -> None:
        topic = topic_of(AREA_BENCH, home_name(self.run, home), device_id, channel)
        self._clients[home % CONNECTIONS].publish(topic, payload, mark)

    def _on_acknowledged(self, mark: str | None) -> None:
        if mark is not None:
            self.acknowledged[mark] += 1

    def _on_receipt(self, topic: str, payload: bytes) -> None:
        receipt = json.loads(payload)
        if receipt.get("code") in ("ok", "duplicate", "invalid") and receipt.get("boot") == self.boot:
            self._presses.pop((topic.split("/")[3], receipt.get("seq", -1)), None)
