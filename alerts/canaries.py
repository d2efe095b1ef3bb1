"""Canaries in alerts: each is told of on ``alerts.v1`` like a change of a case, through the same readers, outbox and relay, and no case stands behind it.

Nothing of ``admission`` sees them, so they reach no queue, no report and nobody's telephone. What is not in the table ``canaries``
(invented, or read again) is told of by nobody.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

import msgspec

from alerts.link import Connections
from alerts.signals import instant
from contracts import alerts as messages
from contracts import topics
from contracts.alerts import AlertEvent, CaseSummary
from contracts.canaries import Word
from contracts.detections import Detection
from contracts.names import AREA_CANARY
from contracts.partitions import partition_of
from storage.queries import execute, query

LOG = logging.getLogger("alerts")
PRIORITY = 5
"""Behind every case: a canary must not delay what it watches over, and one that waits for it shows how long alarms of P5 wait. Chosen."""
_RAISE = query("canaries_raise")


class Canaries:
    """For one lane's reader, over its own connection."""

    def __init__(self, database: Connections, partitions: int) -> None:
        self._database = database
        self._partitions = partitions

    async def tell(self, detections: Sequence[Detection], now: datetime) -> int:
        """Note that they came so far and put their events into the outbox; how many. Those that nobody sent, or that were raised already, are passed over."""
        said = [(word, detection) for detection in detections if (word := word_of(detection)) is not None]
        if not said:
            return 0
        words = [word for word, _ in said]
        async with self._database.connection() as connection:
            return await execute(
                connection, _RAISE, lanes=[word.lane for word in words], sents=[word.sent_at for word in words],
                partitions=[partition_of(word.home_id, self._partitions) for word in words], homes=[word.home_id for word in words],
                detecteds=[instant(detection.decided_at_s) for _, detection in said], keys=[key_of(word) for word in words],
                values=[messages.encode(event_of(word, now)) for word in words], now=now, topic=topics.ALERTS, priority=PRIORITY,
            )  # fmt: skip


def word_of(detection: Detection) -> Word | None:
    """What the canary says. None where it says nothing, or came by the other lane (an urgent reading stands in both)."""
    try:
        said = {name: detection.evidence.get(name) for name in ("lane", "sent_at_ms", "signature")}
        word = msgspec.convert({"home_id": detection.home_id, **said}, Word, strict=False)
    except msgspec.ValidationError as error:
        LOG.warning("a canary of %s says nothing: %s", detection.home_id, error)
        return None
    return word if word.lane == detection.lane else None


def key_of(word: Word) -> str:
    """Key on ``alerts.v1``, and what stands for a case id: the same for all canaries of a home and lane."""
    return f"{word.home_id}.{word.lane}"


def event_of(word: Word, now: datetime) -> AlertEvent:
    """Its event: that of a test, so that whoever does not know canaries counts nothing."""
    return AlertEvent(
        event_id=f"{key_of(word)}/{word.sent_at_ms}",
        change="raised",
        at=now,
        actor="canary",
        reason="case.test",
        case=CaseSummary(
            case_id=key_of(word), version=1, home_id=word.home_id, area_code=AREA_CANARY, family="technical", priority=PRIORITY, score=0,
            reasons=(), handling="TEST", condition="off", raised_at=now, queued_at=None, deadline_at=None, test=True,
        ),
        canary=word,
    )  # fmt: skip
