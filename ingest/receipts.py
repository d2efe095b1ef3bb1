"""Receipts: whom to tell what became of an urgent message. Pure but for the publishing it is given."""

from collections import OrderedDict
from collections.abc import Callable

from contracts.alerts import AlertEvent
from contracts.names import Topic, topic_of
from contracts.receipts import Receipt, encode
from ingest.intake import Row
from ingest.refusals import Refusal

ACCOUNTS_REMEMBERED = 200_000
REASON_LIMIT = 300


class Receipts:
    """``publish(topic, payload)`` says whether it could; a receipt that could not be sent is asked for again by its device.

    ``takes(area)``: whether homes of an area are this bridge's.
    """

    def __init__(
        self, publish: Callable[[str, bytes], bool], now_s: Callable[[], float], takes: Callable[[str], bool]
    ) -> None:
        self._publish = publish
        self._now_s = now_s
        self._takes = takes
        self._areas: OrderedDict[str, str] = OrderedDict()
        self.sent: dict[str, int] = {}

    def hear(self, topic: Topic) -> None:
        """Remember under which area an account publishes: its receipts go there."""
        self._areas[topic.account] = topic.area
        if len(self._areas) > ACCOUNTS_REMEMBERED:
            self._areas.popitem(last=False)

    def held(self, topic: Topic, row: Row, duplicate: bool) -> None:
        """Kafka holds this reading."""
        reading = row.reading
        self._send(
            topic.area,
            topic.account,
            Receipt(
                code="duplicate" if duplicate else "ok",
                server_time=self._now_s(),
                boot=reading.boot,
                seq=reading.seq,
                device=None if row.envelope.via is None else row.envelope.device_id,
            ),
        )

    def refused(self, topic: Topic, refusal: Refusal) -> None:
        """The gate refused it; repeating it unchanged is of no use."""
        self._send(
            topic.area,
            topic.account,
            Receipt(
                code="invalid",
                server_time=self._now_s(),
                boot=refusal.boot,
                seq=refusal.seq,
                device=refusal.device,
                reason=f"{refusal.reason}: {refusal.detail}"[:REASON_LIMIT],
            ),
        )

    def claimed(self, event: AlertEvent) -> None:
        """A person has the case: tell those who called. Others than this bridge's homes are left to their bridge."""
        if event.change != "claimed":
            return
        for origin in event.origins:
            account = f"{event.case.home_id}.{origin.device_id}"
            area = self._areas.get(account)
            if area is None:
                area = event.case.area_code[:9]
                if not self._takes(area):
                    continue
            if origin.boot >= 0 and len(area) == 9:
                receipt = Receipt(code="taken", server_time=self._now_s(), boot=origin.boot, seq=origin.seq)
                self._send(area, account, receipt)

    def _send(self, area: str, account: str, receipt: Receipt) -> None:
        home_id, _, device_id = account.partition(".")
        sent = self._publish(topic_of(area, home_id, device_id, "receipt"), encode(receipt))
        code = receipt.code if sent else "dropped"
        self.sent[code] = self.sent.get(code, 0) + 1
