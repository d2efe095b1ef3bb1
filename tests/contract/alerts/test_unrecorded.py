"""What is told while the database is away, and what the case that follows inherits. The database is behind a line that can be cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from alerts.channels import AppriseChannels, load_ways
from alerts.link import Link
from alerts.memory import Home
from alerts.notifier import Notifier
from alerts.patience import Patience
from alerts.timescale import IDLE_S, LOCK_S, TimescaleCases
from alerts.unrecorded import Unrecorded
from tests.contract.alerts.centre import a_detection
from tests.contract.alerts.endpoint import endpoint
from tests.contract.alerts.test_notices import a_recipient, json_url, register

pytestmark = pytest.mark.services
load_ways()


class Line:
    """A TCP line to the database."""

    def __init__(self) -> None:
        self.cut = False
        self.writers: list[asyncio.StreamWriter] = []
        self.port = 0

    def break_off(self) -> None:
        self.cut = True
        for writer in self.writers:
            writer.close()
        self.writers.clear()


@asynccontextmanager
async def a_line(conninfo: str) -> AsyncIterator[tuple[Line, str]]:
    parts = conninfo_to_dict(conninfo)
    line = Line()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except (ConnectionError, OSError):
            pass
        finally:
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if line.cut:
            writer.close()
            return
        there, back = await asyncio.open_connection(parts["host"], int(str(parts["port"])))
        line.writers += [writer, back]
        await asyncio.gather(pump(reader, back), pump(there, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line, make_conninfo(conninfo, host="127.0.0.1", port=line.port)
    finally:
        server.close()
        line.break_off()


def clock():
    return datetime.now(UTC)


async def test_an_urgent_detection_is_told_without_the_database_once_and_the_case_inherits_it(
    timescale_centre, database
):
    centre = timescale_centre
    centre.homes["h-1"] = Home("330282999001")
    async with endpoint() as phone, a_line(database) as (line, conninfo):
        register(
            centre, a_recipient("daughter", json_url(phone), "kin", home_id="h-1", consented=True),
            a_recipient("desk-phone", json_url(phone)), a_recipient("backup", json_url(phone), "backup_centre"),
        )  # fmt: skip
        link = Link(conninfo, "test line", lock_s=LOCK_S, idle_s=IDLE_S)
        store, heard = TimescaleCases(link), []

        async def tell_twin(told):
            heard.append(told)

        channels = AppriseChannels(3.0)
        unrecorded = Unrecorded(store, channels, clock, wait_s=0.2, tell_twin=tell_twin)
        twin = Unrecorded(TimescaleCases(link), channels, clock, wait_s=0.6)
        await unrecorded.once()  # while the database is there: whom to tell is remembered
        await twin.once()
        await unrecorded.idle()
        await twin.idle()
        line.break_off()
        press = a_detection("sos")
        for each in (unrecorded, twin):
            each.hear(press)
            each.hear(a_detection("fall", score=2))
            each.hear(a_detection("technical"))
        await unrecorded.once()
        assert phone.posts == [], "not before the wait is over"
        await asyncio.sleep(0.25)
        await unrecorded.once()
        await unrecorded.idle()
        unrecorded.hear(a_detection("sos", revision=2))
        for told in heard:
            twin.heard(told)
        await asyncio.sleep(0.5)
        for each in (unrecorded, twin):
            await each.once()
            await each.idle()
        assert sorted(post["title"] for post in phone.posts) == ["P1 求助（尚未入库）"] * 2, (
            "once for a detection, by one twin"
        )
        with pytest.raises((psycopg.OperationalError, TimeoutError)):
            await unrecorded.keep()
        # The database is back, and the readers take the detection in.
        line.cut = False
        case = (await centre.store.admit(press, centre.now)).case
        notifier = Notifier(store, channels, Patience(asyncio.Event(), 0.01), 0.01, lambda: centre.now, unrecorded.keep)
        await notifier.once()
        await notifier.idle()
        assert len(phone.posts) == 2, "kin who were told are not told of the case again"
        found = [row for row in (await centre.store.case(case.case_id)).audit if row.action == "notified"]
        assert sorted((row.reason, row.facts["recipient"]) for row in found) == [
            ("case.announced", "daughter"), ("case.announced", "desk-phone"),
        ]  # fmt: skip
        await centre.forward(duration_s=30)
        await notifier.once()
        await notifier.idle()
        assert len(phone.posts) == 3, "the ladder goes on: all desks"
        await link.close()


async def test_what_is_recorded_in_time_is_told_by_nobody(timescale_centre, database):
    centre = timescale_centre
    async with endpoint() as phone:
        register(centre, a_recipient("desk-phone", json_url(phone)))
        unrecorded = Unrecorded(centre.store, AppriseChannels(2.0), clock, wait_s=0.05)
        press = a_detection("sos")
        unrecorded.hear(press)
        await centre.store.admit(press, centre.now)
        await asyncio.sleep(0.1)
        await unrecorded.once()
        await unrecorded.idle()
        assert phone.posts == []


async def test_what_no_reader_takes_in_is_told_although_the_database_is_there(timescale_centre):
    centre = timescale_centre
    async with endpoint() as phone:
        register(centre, a_recipient("desk-phone", json_url(phone)))
        unrecorded = Unrecorded(centre.store, AppriseChannels(2.0), clock, wait_s=0.05)
        unrecorded.hear(a_detection("smoke"))
        await asyncio.sleep(0.1)
        await unrecorded.once()
        await unrecorded.idle()
        assert [post["title"] for post in phone.posts] == ["P1 烟雾（尚未入库）"]
