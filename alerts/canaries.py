"""Canaries in alerts: each is told of on ``alerts.v1`` like a change of a case, through the same readers, outbox and relay, and no case stands behind it.

Nothing of ``admission`` sees them, so they reach no queue, no report and nobody's telephone. What is not in the table ``canaries``
(invented, or read again) is told of by nobody.
"""

import logging
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
from storage.queries import fetch_one, query

LOG = logging.getLogger("alerts")
PRIORITY = 5
"""Behind every case: a canary must not delay what it watches over, and one that waits for it shows how long alarms of P5 wait. Chosen."""
_RAISE = query("canary_raise")


class Canaries:
    """For one lane's reader, over its own connection."""

    def __init__(self, database: Connections, partitions: int) -> None:
        self._database = database
        self._partitions = partitions

    async def raise_one(self, detection: Detection, now: datetime) -> bool:
        """Note that it came so far and put its event into the outbox. False: nobody sent it, or it was raised already."""
        word = word_of(detection)
        if word is None:
            return False
        async with self._database.connection() as connection:
            row = await fetch_one(
                connection, _RAISE, lane=word.lane, partition=partition_of(word.home_id, self._partitions), sent_at=word.sent_at,
                home_id=word.home_id, detected_at=instant(detection.decided_at_s), now=now, topic=topics.ALERTS, key=key_of(word),
                value=messages.encode(event_of(word, now)), priority=PRIORITY,
            )  # fmt: skip
        return row is not None


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
