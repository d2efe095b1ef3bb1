"""``office``: the api over a furnished database that the module has for itself; cases and sessions are cleared before each test."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from tests.contract.api.office import Office, furnish_now, open_office

CLEARED = (
    "recipient_trials", "rota", "recipients", "staffing_gaps", "duties", "desk_slots", "service_windows",
    "notices", "handovers", "telephone_dials", "telephone_calls", "incident_reviews", "case_questions", "outbox", "audit", "case_timers", "case_signals", "cases", "detections", "sessions", "pipeline", "sources", "dead_letters",
    "learned_silences", "learned_usual", "daily_habits", "reading_motion", "reading_contact", "reading_vitals", "reading_power", "reading_water", "reading_presence",
    "device_silences", "home_coverage", "coverage_counts", "coverage_changes", "place_outages",
)  # fmt: skip


@pytest.fixture(scope="module")
def furnished(database: str) -> str:
    furnish_now(database)
    return database


@pytest.fixture
async def office(furnished: str) -> AsyncIterator[Office]:
    with psycopg.connect(furnished, autocommit=True) as connection:
        connection.execute("TRUNCATE shift_handovers, handover_signatures, sign_ons, desks, centres CASCADE")
        for table in CLEARED:
            # A TRUNCATE of a hypertable takes longer than the few rows of a test.
            connection.execute(f"DELETE FROM {table}")
        connection.execute("UPDATE users SET failed_logins = 0, locked_until = NULL, active = true, token_epoch = 0")
        connection.execute("UPDATE devices SET last_seen_at = NULL, source = NULL")
        connection.execute("INSERT INTO coverage_due (home_id) SELECT home_id FROM homes")
    async with open_office(furnished) as opened:
        yield opened
