"""One suite over both stores: ``centre`` is a watch centre over the memory store and over TimescaleDB."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from alerts.memory import Home, MemoryCases
from alerts.timescale import IDLE_S, LOCK_S, TimescaleCases
from storage.database import pool
from tests.contract.alerts.centre import Centre

TABLES = "telephone_calls, case_offers, staffing_notices, staffing_gaps, handover_signatures, shift_handovers, sign_ons, duties, desks, centres, recipient_trials, announcements, notices, rota, recipients, incident_reviews, case_questions, residents, outbox, audit, case_timers, case_signals, cases, detections, consumer_offsets, homes, pipeline"


class HomesInDatabase:
    """Registers homes as ``homes[home_id] = Home(...)``, as the memory store's dict does."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo

    def __setitem__(self, home_id: str, home: Home) -> None:
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO homes (home_id, area_code, care_level, site_id) VALUES (%s, %s, %s, %s)",
                [home_id, home.area_code or "330282999001", home.care_level, home.site_id],
            )
            for resident_id, phone in home.phones.items():
                connection.execute(
                    "INSERT INTO residents (resident_id, home_id, name, phone) VALUES (%s, %s, %s, %s)",
                    [resident_id, home_id, resident_id, phone],
                )
            for from_at, window in home.windows:
                connection.execute(
                    """INSERT INTO service_windows (window_id, area_code, home_id, device_id, technical_only, reason, substitute, from_at, until_at, planned_by, planned_at)
                       OVERRIDING SYSTEM VALUE VALUES (%s, '330282999001', %s, %s, %s, %s, %s, %s, %s, 'test', %s)""",
                    [
                        window.window_id,
                        home_id,
                        window.device_id,
                        window.technical_only,
                        window.reason,
                        window.substitute,
                        from_at,
                        window.until_at,
                        from_at,
                    ],
                )
            for user_name in home.kin:
                connection.execute(
                    "INSERT INTO users (user_name, role, password_hash) VALUES (%s, 'family', '') ON CONFLICT DO NOTHING",
                    [user_name],
                )
                connection.execute(
                    "INSERT INTO family_links (user_name, resident_id) VALUES (%s, %s)",
                    [user_name, next(iter(home.phones))],
                )
                connection.execute(
                    "INSERT INTO consents (resident_id, user_name, scopes, given_by, ground, recorded_by) VALUES (%s, %s, '{alerts}', 'resident', 'test', 'test')",
                    [next(iter(home.phones)), user_name],
                )


@pytest.fixture
async def memory_centre() -> Centre:
    homes: dict[str, Home] = {}
    return Centre(MemoryCases(homes), homes)


@pytest.fixture
async def timescale_centre(database: str) -> AsyncIterator[Centre]:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {TABLES} CASCADE")
    async with pool(database, "test cases", size=8, lock_s=LOCK_S, idle_s=IDLE_S) as opened:
        yield Centre(TimescaleCases(opened), HomesInDatabase(database))


@pytest.fixture(params=["memory", pytest.param("timescale", marks=pytest.mark.services)])
def centre(request: pytest.FixtureRequest) -> Centre:
    found: Centre = request.getfixturevalue(f"{request.param}_centre")
    return found
