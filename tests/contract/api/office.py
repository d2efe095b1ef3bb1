"""A watch centre's office for tests: the api over a real database, a clock that can be driven, people who log in, detections that come."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
from argon2 import PasswordHasher

from alerts.cases import Case
from alerts.coverage_keeper import CoverageKeeper
from alerts.timescale import TimescaleCases
from api.app import create
from api.context import Context
from api.settings import ApiSettings
from contracts.detections import Detection, Origin, detection_id
from deploy.site import API_ROLE, api_password
from storage import consents, database, people
from storage.records import Contact, Device, Home, Resident, User

PASSWORD = "a word for the night shift"
HERE, ELSEWHERE = "330282001001", "330206001001"
"""Two communities in different counties."""
SECRET = "a secret of tests that is long enough to sign with"
_numbers = itertools.count(1)


def of_api(conninfo: str) -> str:
    """The same database as the api's role finds it."""
    parts = psycopg.conninfo.conninfo_to_dict(conninfo)
    password = api_password(str(parts.get("password", "")))
    return psycopg.conninfo.make_conninfo(conninfo, user=API_ROLE, password=password)


class DrivenClock:
    """A wall clock that stands until it is moved. It begins at the real time, because the database stamps some rows itself."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


RECORDS = [
    Home("shen", HERE, "虞波社区 3 幢 402 室", care_level=2, note="钥匙在邻居处"),
    Resident("shen-ada", "shen", "沈阿大", 1938, "m", "+86 138 0000 0001"),
    Contact("shen", "沈桂芳", "+86 139 0000 0001", "女儿", 1),
    Contact("shen", "沈国强", "+86 139 0000 0002", "儿子", 2),
    Device("shen", "pir-1", "motion", "living"),
    Device("shen", "sos-1", "pendant", "bedroom", "shen-ada"),
    Home("luo", ELSEWHERE, "另一个区 1 号"),
    Resident("luo-ying", "luo", "罗英", 1941, "f"),
    Device("luo", "pir-1", "motion", "living"),
]
USERS = [
    User("desk-1", "operator", "一号席"),
    User("desk-2", "operator", "二号席"),
    User("desk-cixi", "operator", "慈溪席", area_prefix="330282"),
    User("chief", "supervisor", "值班长"),
    User("root", "admin", "管理员"),
    User("daughter", "family", "沈桂芳", family_of=("shen-ada",)),
    User("lin", "helper", "林志愿", area_prefix="330282", helper_kind="volunteer"),
    User("mei", "helper", "梅社工", area_prefix="330282001001", helper_kind="community"),
    User("city", "platform", "市平台", area_prefix="330282"),
    User("nephew", "family", "罗明", family_of=("luo-ying",)),
]


async def furnish(conninfo: str) -> None:
    """Homes and people of the office."""
    async with database.pool(conninfo, "test office", size=2) as opened:
        async with opened.connection() as connection, connection.transaction():
            await people.register(connection, RECORDS, actor="test")
        async with opened.connection() as connection:
            for user in USERS:
                await people.add_user(connection, user, PASSWORD, actor="test")
                for resident_id in user.family_of:
                    await consents.record(
                        connection, resident_id=resident_id, user_name=user.user_name, scopes=list(consents.SCOPES), given_by="resident",
                        ground="said at enrolment", recorded_by="test",
                    )  # fmt: skip
            # Tests log in often; a hash that costs little keeps them quick, and the check takes its cost from the hash.
            quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
            await connection.execute("UPDATE users SET password_hash = %s", [quick])


class Desk(httpx.AsyncClient):
    """A browser's worth of one user: cookies, and the token once logged in."""

    async def log_in(self, user_name: str, password: str = PASSWORD) -> httpx.Response:
        answer = await self.post("/api/v1/session", json={"user_name": user_name, "password": password})
        if answer.status_code == 200:
            self.carry(answer)
        return answer

    def carry(self, answer: httpx.Response) -> None:
        """Use the access token of an answer from now on."""
        self.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


class Office:
    """The api in this process."""

    """``store``: the cases as alerts has them, of all areas; the api has a role of its own."""

    def __init__(self, app: Any, clock: DrivenClock, conninfo: str, store: TimescaleCases) -> None:
        self.app = app
        self.store = store
        self.clock = clock
        self.conninfo = conninfo
        self._desks: list[Desk] = []

    @property
    def parts(self) -> Context:
        found: Context = self.app.state.context
        return found

    def stranger(self) -> Desk:
        """A browser in which nobody is logged in."""
        desk = Desk(transport=httpx.ASGITransport(self.app, raise_app_exceptions=False), base_url="http://office")
        self._desks.append(desk)
        return desk

    async def desk(self, user_name: str) -> Desk:
        """A browser in which this user is logged in."""
        desk = self.stranger()
        answer = await desk.log_in(user_name)
        assert answer.status_code == 200, answer.text
        return desk

    async def admit(self, home_id: str, **fields: Any) -> Case:
        """A detection comes in (a press of the help button, unless ``fields`` say otherwise); the case that it opened or joined."""
        at_s = self.clock().timestamp() + next(_numbers) * 0.001
        known: dict[str, Any] = {
            "detector": "call", "family": "sos", "lane": "urgent", "home_id": home_id, "device_id": "sos-1", "started_at_s": at_s,
            "event_at_s": at_s, "decided_at_s": at_s, "score": 4, "reason": "call.press", "evidence": {"room": "bedroom"},
            "origin": Origin(device_id="sos-1", boot=1, seq=next(_numbers)),
        } | fields  # fmt: skip
        subject = f"{home_id}.{known['device_id']}"
        detection = Detection(detection_id=detection_id(subject, known["detector"], known["started_at_s"]), **known)
        admission = await self.store.admit(detection, self.clock())
        assert admission.case is not None
        return admission.case

    async def keep_coverage(self) -> None:
        """What a twin of alerts does each second."""
        async with database.pool(self.conninfo, "test coverage", size=1) as opened:
            await CoverageKeeper(opened, 16, 15.0, self.clock).look()

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Look at, or prepare, what stands in the database."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            cursor = connection.execute(statement, values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    async def close(self) -> None:
        for desk in self._desks:
            await desk.aclose()


@asynccontextmanager
async def open_office(conninfo: str, kafka: str = "127.0.0.1:9", **settings: Any) -> AsyncIterator[Office]:
    """The api runs inside. Without ``kafka`` the feed finds nobody, which these tests do not need."""
    clock = DrivenClock()
    app = create(ApiSettings(token_secret=SECRET, kafka=kafka, database=of_api(conninfo), **settings), clock)
    async with app.router.lifespan_context(app), database.pool(conninfo, "test alerts", size=2) as pool:
        office = Office(app, clock, conninfo, TimescaleCases(pool))
        try:
            yield office
        finally:
            await office.close()


def furnish_now(conninfo: str) -> None:
    asyncio.run(furnish(conninfo))
