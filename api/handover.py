"""Sends what is handed over to the configured endpoint, again and again until it is taken. Any api process does; a row is taken before it is sent.

A crash between sending and writing that down sends it again: the bundle carries the same identifier, by which the other side knows it.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx

from alerts.cases import SYSTEM
from alerts.store import CaseStore
from api.database import Database, answering
from api.errors import DatabaseAway
from api.scope import OURSELVES, serving
from storage.queries import execute, fetch_one, query

LOG = logging.getLogger(__name__)
EVERY_S = 1.0
LIMIT_S = 10.0
"""Longest that one attempt may take, s. Chosen: as for other messages."""
TAKE_S = 30.0
FIRST_AGAIN_S, LONGEST_AGAIN_S = 2.0, 300.0
"""Pause after the first failure, doubled up to the longest, s. Chosen."""
MOST = 30
"""Attempts, about two hours. Chosen: whoever has not answered by then is rung up; the file is there."""
TOLD_AFTER = 5
"""Attempts after which the desks see that it is not taken. Chosen: 30 s, longer than a restart over there."""
_TAKE = query("take_handover")
_TRIED = query("handover_tried")


class Handovers:
    """``url``: where a bundle is POSTed. ``token``: sent as a bearer token, if any. ``cases``: in whose history it stands that nobody took it."""

    def __init__(
        self, database: Database, url: str, token: str, clock: Callable[[], datetime], cases: CaseStore | None = None
    ) -> None:
        self._database = database
        self._url = url
        self._headers = {"Content-Type": "application/fhir+json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        self._clock = clock
        self._cases = cases

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                while await self.once():
                    pass
            except DatabaseAway:
                pass
            await asyncio.sleep(EVERY_S)

    async def once(self) -> bool:
        """Try the next one that is due; False where there is none."""
        now = self._clock()
        async with self._database.connection(OURSELVES) as connection:
            row = await fetch_one(connection, _TAKE, now=now, until=now + timedelta(seconds=TAKE_S), most=MOST)
        if row is None:
            return False
        sent, detail = await self._post(row["bundle"])
        now = self._clock()
        pause_s = min(LONGEST_AGAIN_S, FIRST_AGAIN_S * 2 ** min(row["attempts"] - 1, 16))
        if not sent:
            LOG.warning("case %s was not handed over (attempt %d): %s", row["case_id"], row["attempts"], detail)
        async with self._database.connection(OURSELVES) as connection:
            await execute(
                connection, _TRIED, handover_id=row["handover_id"], sent_at=now if sent else None, detail=detail,
                next_at=now + timedelta(seconds=pause_s),
            )  # fmt: skip
        if not sent and row["attempts"] >= MOST and self._cases is not None:
            text = f"医疗端点 {MOST} 次未收到，已停止发送，请电话告知 · not taken by medicine after {MOST} attempts ({detail}): ring up"
            with serving(OURSELVES):
                async with answering(LIMIT_S):
                    await self._cases.note(row["case_id"], actor=SYSTEM, text=text, now=now)
        return True

    async def _post(self, document: object) -> tuple[bool, str]:
        try:
            async with httpx.AsyncClient(timeout=LIMIT_S) as client:
                answer = await client.post(
                    self._url, content=json.dumps(document, ensure_ascii=False).encode(), headers=self._headers
                )
        except httpx.HTTPError as error:
            return False, type(error).__name__
        return answer.is_success, f"HTTP {answer.status_code}"
