"""When something happened: ``event_at_s`` and how it was found (contracts.kinds.CLOCKS).

| what the message shows | event time | clock |
|---|---|---|
| ``t``, and the device's clock is within the tolerance of ours | ``t`` | device |
| ``t`` and a known skew of its clock | ``t`` - skew, which is received - (sent - t) | corrected |
| no ``t``, from an adapter whose messages are live | arrival | received |
| no ``t``; ahead of us and no way to correct it; clock in doubt | arrival stands in | unresolved |
| older than 30 days after all this | refused, ``too_old`` (urgent ones only where the device's clock is known to be right) | - |

The skew is ``sent`` - received, judged only while the bridge is caught up (``live``): after an outage queued messages arrive with an
old ``sent`` although the clock is right. A message may also have waited in the device itself, which looks like a slow clock. Delay
can only make a clock look *slow*, so: a clock that looks right or fast is believed at once; one that looks slow is in doubt until
a second message, half a minute later, is slow by the same amount (a queue that empties is not). Correcting a delayed message by mistake
would move an old sign of life to now, and bring a fallen person to life; so in doubt the time is *unresolved*, never a sign of life.
"""

import msgspec

from contracts.kinds import CORRECTED, DEVICE, RECEIVED, UNRESOLVED
from ingest.refusals import Refused

STEADY_S = 5.0
"""Two looks at a slow clock agree within this, s: network jitter passes, a queue that empties (seconds of ``sent`` a message) does not."""
CONFIRM_S = 30.0
"""A slow clock is believed when it still is so after this, s: a device's queue empties in less."""
DAY_S = 86_400.0
ACCOUNTS_REMEMBERED = 1_000_000


class EventTime(msgspec.Struct, frozen=True, gc=False):
    at_s: float
    clock: int


class Look(msgspec.Struct, gc=False):
    """What is known of one account's clock. ``skew_s``: device minus bridge, None = in doubt."""

    boot: int | None
    skew_s: float | None = None
    doubt_s: float | None = None
    doubt_at_s: float = 0.0


class EventTimes:
    """Resolves event times, remembering the skew of each account's clock (a hub's children share the hub's).

    ``speed``: clock seconds in a second of life; delays are of real life, so every tolerance grows with it.
    """

    def __init__(self, tolerance_s: float = 60.0, too_old_s: float = 30 * DAY_S, speed: float = 1.0) -> None:
        factor = max(1.0, speed)
        self._tolerance_s = tolerance_s * factor
        self._steady_s = STEADY_S * factor
        self._confirm_s = CONFIRM_S * factor
        self._too_old_s = too_old_s
        self._looks: dict[str, Look] = {}

    def resolve(
        self,
        account: str,
        t: float | None,
        sent: float | None,
        boot: int | None,
        received_at_s: float,
        *,
        live: bool,
        urgent: bool = False,
        arrival_is_event: bool = False,
    ) -> EventTime:
        """Event time of one reading. ``arrival_is_event``: an adapter's message, sent the moment it happens. Raises Refused (too_old)."""
        if live and sent is not None:
            skew = self._judge(account, sent, boot, received_at_s)
            doubtful = skew is None
        else:
            look = self._looks.get(account)
            skew = None if look is None else look.skew_s
            doubtful = look is not None and skew is None
        if t is None:
            return EventTime(received_at_s, RECEIVED if arrival_is_event and live else UNRESOLVED)
        tolerance = self._tolerance_s
        if doubtful or (sent is not None and t > sent + tolerance):
            return EventTime(received_at_s, UNRESOLVED)  # in doubt, or measured after it was sent
        right = skew is not None and abs(skew) <= tolerance
        at_s, clock = (t, DEVICE) if skew is None or right else (t - skew, CORRECTED)
        if at_s > received_at_s + tolerance:
            return EventTime(received_at_s, UNRESOLVED)
        if received_at_s - at_s > self._too_old_s:
            if urgent and not right:
                return EventTime(received_at_s, UNRESOLVED)  # never lose an alarm because its clock was not set
            raise Refused("too_old", self._too_old(received_at_s - at_s))
        return EventTime(at_s, clock)

    def look_of(self, account: str) -> Look | None:
        """What is known of an account's clock. It stays the account's as long as that is remembered."""
        return self._looks.get(account)

    def is_right(self, look: Look | None, t: float, sent: float, boot: int, received_at_s: float, live: bool) -> bool:
        """Whether a reading that is not urgent happened at ``t``, by its device's clock: what ``resolve`` says nearly always, found sooner. Where
        False, nothing was done and ``resolve`` has to say."""
        tolerance = self._tolerance_s
        if t > sent + tolerance or t > received_at_s + tolerance or received_at_s - t > self._too_old_s:
            return False
        if live:
            seen = sent - received_at_s
            if look is None or look.boot != boot or not -tolerance <= seen <= tolerance:
                return False
            look.skew_s, look.doubt_s = seen, None
            return True
        return look is None or (look.skew_s is not None and abs(look.skew_s) <= tolerance)

    def _too_old(self, age_s: float) -> str:
        return (
            f"t: {age_s / DAY_S:.0f} days before arrival, the limit is {self._too_old_s / DAY_S:.0f}. "
            "Set the device's clock, or send `sent` (same clock, at sending) so that it can be corrected"
        )

    def _judge(self, account: str, sent: float, boot: int | None, received_at_s: float) -> float | None:
        """The skew after one more look at this account's clock; None = in doubt."""
        seen = sent - received_at_s
        look = self._looks.get(account)
        if look is None:
            if len(self._looks) >= ACCOUNTS_REMEMBERED:
                del self._looks[next(iter(self._looks))]
            look = self._looks[account] = Look(boot)
        elif boot is not None and look.boot != boot:  # a device that started anew may have lost its time
            look.boot, look.skew_s, look.doubt_s = boot, None, None
        known = look.skew_s
        slower = seen < -self._tolerance_s if known is None else seen < known - self._tolerance_s
        unset = seen < -self._too_old_s  # no queue is that old
        if not slower or unset or abs(seen) <= self._tolerance_s or self._confirmed(look, seen, received_at_s):
            look.skew_s = seen
            look.doubt_s = None
        elif look.doubt_s is None or abs(seen - look.doubt_s) > self._steady_s:
            look.doubt_s, look.doubt_at_s = seen, received_at_s
        return look.skew_s

    def _confirmed(self, look: Look, seen: float, received_at_s: float) -> bool:
        return (
            look.doubt_s is not None
            and abs(seen - look.doubt_s) <= self._steady_s
            and received_at_s - look.doubt_at_s >= self._confirm_s
        )
