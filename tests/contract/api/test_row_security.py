"""The second wall, asked directly: what the api's role sees in the database at each level, whatever a query forgets to say."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest

from api import scope
from storage.queries import queries
from tests.contract.api.office import of_api
from tests.contract.api.world import (
    HOMES,
    LEVELS,
    ROLES,
    case_of,
    furnish,
    people_of_all_levels,
    resident_of,
    user_of,
    visible_to,
)  # fmt: skip

pytestmark = pytest.mark.services

WITHOUT = {
    "users": "log-in looks for everybody before there is a scope; routes show them by area",
    "sessions": "kept by the hash of a token that only its browser has",
    "outbox": "the api only writes it, and reads when the oldest was made",
    "schema_migrations": "says nothing about people",
    "pipeline": "says nothing about people",
    "sources": "says nothing about people",
    "place_outages": "says nothing about people: a bridge, a partition and when they stood",
    "canaries": "says nothing about people: homes that nobody lives in, and when a test alarm passed",
    "unwatched": "says nothing about people: a bridge and when it was away",
    "service_circles": "rules of the whole site",
    "supervision_rules": "rules of the whole site",
    "staffing_notices": "not granted to the api",
    "announcements": "not granted to the api",
    "resident_words": "not granted to the api: read by residents_found, which has the area inside",
    "consumer_offsets": "not granted to the api",
    "row_identity": "not granted to the api",
    "rollup_due": "not granted to the api",
    "reading_pattern": "an empty pattern of hypertables",
    "hourly_pattern": "an empty pattern of hypertables",
}
"""Tables without row security, beside hypertables, and why."""
READS_HYPERTABLES = {
    "api_signs_of_life",
    "api_devices_of_homes",
    "api_dead_letters",
    "family_day",
    "person_readings",
    "person_drop_readings",
}
"""The api's queries that read hypertables, which have no row security: each by way of homes or devices that are seen (the tests below)."""


OF_THE_API = (
    "api_",
    "families",
    "consents",
    "helpers",
    "handovers",
    "home_notices",
    "person",
    "reports",
    "upstream",
    "calls",
    "paper",
)
"""Files of queries that the api asks, by how they begin; ``person_drop_readings`` is the command line's, and refused to the api."""


@pytest.fixture(scope="module")
def world(database: str) -> str:
    asyncio.run(people_of_all_levels(database))
    asyncio.run(furnish(database, list(HOMES)))
    with psycopg.connect(database, autocommit=True) as connection:
        for home in HOMES:
            for table, columns, values in (
                ("learned_silences", "home_id, learned_at, days, silence_min", (home, "now", 1, [1])),
                ("learned_usual", "home_id, resident_id, name, value, days, counted, learned_at", (home, "", "n", 1, 1, 1, "now")),
                ("daily_habits", "home_id, day, signs, active_hours, first_h", (home, "today", 1, 1, 6)),
                ("accounts", "account, kind, password_hash", (f"{home}.pir-1", "device", "$7$")),
                ("device_counts", "home_id, device_id, boot", (home, "pir-1", 1)),
                ("case_signals", "case_id, detection_id, detector, \"on\", score, reason, started_at", (case_of(home), home, "call", True, 4, "r", "now")),
                ("case_timers", "case_id, kind, due_at", (case_of(home), "rung", "now")),
                ("device_silences", "home_id, device_id, detection_id, revision, \"on\", started_at, read_at", (home, "pir-1", "d", 1, True, "now", "now")),
                ("coverage_due", "home_id", (home,)),
                ("desk_slots", "slot_at, area_code, actor", ("now", HOMES[home], home)),
                ("incidents", "case_id, area, joined_at, homes, away, told_at", (case_of(home), "1", "now", 1, 1, "now")),
                ("notices", "case_id, spell, priority, rung, recipient_id, taken_until_at, at", (case_of(home), 1, 1, 0, home, "now", "now")),
            ):  # fmt: skip
                marks = ", ".join(["%s"] * len(values))
                connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})".encode(), values)
    return database


@pytest.fixture
def api(world: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the api's role; everything is undone."""
    with psycopg.connect(of_api(world)) as connection:
        yield connection
        connection.rollback()


def serve(connection: psycopg.Connection[Any], whom: scope.Scope) -> None:
    for name, value in whom.settings().items():
        connection.execute("SELECT set_config(%s, %s, true)", [name, value])


def tables(connection: psycopg.Connection[Any], *, secured: bool) -> list[str]:
    rows = connection.execute(
        """SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relrowsecurity = %s
              AND relname NOT IN (SELECT hypertable_name FROM timescaledb_information.hypertables) AND relname <> 'recipients' ORDER BY relname""",
        [secured],
    )
    return [name for (name,) in rows]


def homes_in(connection: psycopg.Connection[Any], table: str) -> set[str]:
    """Homes whose word stands in any row that is seen."""
    text = connection.execute(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} AS t".encode()).fetchone()
    assert text is not None
    found = {home for home in HOMES if home in text[0]}
    return found | {home for home in HOMES if case_of(home) in text[0]}


def test_every_table_has_row_security_or_a_reason_why_not(api: psycopg.Connection[Any]) -> None:
    assert set(tables(api, secured=False)) == WITHOUT.keys()


def test_the_role_of_the_api_owns_nothing_and_bypasses_nothing(api: psycopg.Connection[Any]) -> None:
    row = api.execute(
        """SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb,
                  EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid), EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid)
             FROM pg_roles WHERE rolname = current_user AND current_user = 'shouwang_api'"""
    ).fetchone()
    assert row == (False, False, False)


@pytest.mark.parametrize("statement", [
    "UPDATE consents SET giver = ''", "DELETE FROM upstream_consents", "DELETE FROM reading_motion", "UPDATE service_circles SET arrive_s = 1", "UPDATE audit SET actor = 'nobody'", "DELETE FROM audit", "SELECT value FROM outbox", "SELECT url FROM recipients",
    "INSERT INTO reading_motion DEFAULT VALUES", "DELETE FROM dead_letters", "ALTER TABLE homes DISABLE ROW LEVEL SECURITY", "SET ROLE shouwang",
])  # fmt: skip
def test_what_the_api_never_does_it_may_not(api: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute(statement.encode())


def test_without_a_scope_nothing_is_seen(api: psycopg.Connection[Any]) -> None:
    for whom in (None, scope.NOBODY):
        if whom is not None:
            serve(api, whom)
        assert {table: homes_in(api, table) for table in tables(api, secured=True)} == {
            table: set() for table in tables(api, secured=True)
        }


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("role", ROLES)
def test_each_level_sees_its_own_homes_in_every_table(api: psycopg.Connection[Any], role: str, level: str) -> None:
    serve(api, scope.of_user(f"{role}-{level}", role, LEVELS[level]))
    inside = set(visible_to(f"{role}-{level}"))
    of_cases = {
        "cases",
        "case_signals",
        "case_timers",
        "case_questions",
        "incident_reviews",
        "incidents",
        "notices",
        "kin_going",
        "handovers",
        "case_offers",
        "shift_handovers",
        "handover_signatures",
        "telephone_calls",
        "telephone_dials",
    }
    nothing = of_cases if role == "admin" else set()
    nothing |= {"kin_tokens"}
    nothing |= {"staffing_gaps", "escalation_rungs"}  # of areas: no home, no person
    nothing |= {"priority_rules", "answer_times", "asking_times"}  # of the whole site
    nothing |= {"rota", "recipient_trials"} if role == "operator" else set()
    nothing |= {"coverage_counts"}  # by area, names no home; the matrix of counts asks them
    nothing |= {"break_glass"} if role != "supervisor" else set()
    secured = [table for table in tables(api, secured=True) if table != "home_cards"]
    wanted = {table: set() if table in nothing else inside for table in secured}
    assert {table: homes_in(api, table) for table in secured} == wanted
    assert api.execute("SELECT count(*) FROM home_cards").fetchone() == (len(inside),)


def test_a_family_sees_its_relative_and_nobody_to_call(api: psycopg.Connection[Any]) -> None:
    serve(api, scope.of_user("family-yuhome", "family", "", ["yuhome"], [resident_of("yuhome")]))
    seen = {table: homes_in(api, table) for table in tables(api, secured=True)}
    assert set().union(*seen.values()) == {"yuhome"}
    assert seen["residents"] == seen["cases"] == {"yuhome"}
    assert seen["contacts"] == seen["visits"] == seen["responses"] == seen["assessments"] == seen["helpers"] == set()
    assert seen["consents"] == seen["home_notices"] == seen["kin_tokens"] == seen["kin_going"] == {"yuhome"}


def test_a_family_chooses_how_it_is_told_of_its_relative_and_reads_no_address(
    api: psycopg.Connection[Any], world: str
) -> None:
    put = """INSERT INTO recipients (recipient_id, kind, name, url, language, home_id, consented_at, lowest_priority, user_name, resident_id, way, reach)
             VALUES (%s, 'kin', '', 'json://x', 'zh', 'yuhome', now(), 1, %s, %s, 'sms', '1')"""
    with psycopg.connect(world, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO recipients (recipient_id, kind, name, url) VALUES ('desk', 'desk', '', 'json://y') ON CONFLICT DO NOTHING"
        )
    serve(api, scope.of_user("family-yuhome", "family", "", ["yuhome"], [resident_of("yuhome")]))
    api.execute(put, ["a", "family-yuhome", resident_of("yuhome")])
    assert api.execute("SELECT recipient_id FROM recipients").fetchall() == [("a",)]
    for user, resident in (("family-taohome", resident_of("yuhome")), ("family-yuhome", resident_of("taohome"))):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), api.transaction():
            api.execute(put, ["b", user, resident])
    serve(api, scope.of_user("root", "admin", ""))
    assert api.execute("DELETE FROM recipients WHERE user_name IS NOT NULL").rowcount == 0, "it is theirs"
    serve(api, scope.of_user("operator-site", "operator", ""))
    assert api.execute("DELETE FROM recipients").rowcount == 0


def test_a_helper_sees_where_he_was_asked_and_what_is_about_that_alone(api: psycopg.Connection[Any]) -> None:
    beside = api.execute("SELECT homes, residents FROM scope_of('helper-yuhome', now())").fetchone()
    assert beside == (["yuhome"], [resident_of("yuhome")])
    serve(api, scope.of_user("helper-yuhome", "helper", LEVELS["community"], *beside))
    seen = {table: homes_in(api, table) for table in tables(api, secured=True)}
    assert set().union(*seen.values()) == {"yuhome"}
    assert seen["homes"] == seen["residents"] == seen["responses"] == seen["helpers"] == {"yuhome"}
    assert seen["contacts"] == seen["consents"] == seen["family_links"] == seen["home_notices"] == set()
    assert api.execute("SELECT case_id FROM cases").fetchall() == [(case_of("yuhome"),)], "of three cases there the one"
    assert api.execute("UPDATE cases SET version = 9").rowcount == 0
    api.execute("UPDATE responses SET state = 'left', left_at = now()")
    assert api.execute("SELECT count(*) FROM cases").fetchone() == (0,)
    assert api.execute("SELECT homes FROM scope_of('helper-yuhome', now())").fetchone() == ([],)


def test_a_worker_of_the_community_sees_its_homes_for_visits_and_no_case(api: psycopg.Connection[Any]) -> None:
    serve(api, scope.visiting("helper-yuhome", LEVELS["town"]))
    assert homes_in(api, "residents") == homes_in(api, "visits") == {"yuhome", "taohome"}
    assert homes_in(api, "contacts") == homes_in(api, "consents") == set()
    assert api.execute("SELECT count(*) FROM cases WHERE case_id <> %s", [case_of("yuhome")]).fetchone() == (0,)


def test_a_platform_sees_what_an_export_is_made_of_and_nothing_else(api: psycopg.Connection[Any]) -> None:
    serve(api, scope.of_user("platform-town", "platform", LEVELS["town"]))
    seen = {table: homes_in(api, table) for table in tables(api, secured=True)}
    assert {table for table, homes in seen.items() if homes} == {
        "homes", "residents", "visits", "cases", "helpers", "upstream_consents",
    }  # fmt: skip
    assert seen["residents"] == seen["cases"] == {"yuhome", "taohome"}


def test_without_consent_a_family_has_no_scope(api: psycopg.Connection[Any], world: str) -> None:
    ask = "SELECT homes, residents FROM scope_of('family-taohome', now())"
    assert api.execute(ask).fetchone() == (["taohome"], [resident_of("taohome")])
    with psycopg.connect(world) as owner:
        owner.execute(
            "INSERT INTO consents (resident_id, user_name, scopes, given_by, ground, recorded_by) VALUES (%s, 'family-taohome', '{}', 'resident', 'said', 'test')",
            [resident_of("taohome")],
        )
        assert owner.execute(ask).fetchone() == ([], [])
        owner.rollback()


def test_who_opened_a_glass_reads_that_home_and_changes_nothing_of_its_cases(api: psycopg.Connection[Any]) -> None:
    serve(api, scope.of_user("o", "operator", LEVELS["community"], ["linhome"], [resident_of("linhome")]))
    assert homes_in(api, "cases") == homes_in(api, "residents") == homes_in(api, "contacts") == {"yuhome", "linhome"}
    assert api.execute("UPDATE cases SET version = 9 WHERE home_id = 'linhome'").rowcount == 0
    assert api.execute("UPDATE homes SET note = 'x' WHERE home_id = 'linhome'").rowcount == 0
    assert api.execute("UPDATE cases SET version = 9 WHERE home_id = 'yuhome'").rowcount == 3


def test_nothing_is_put_into_or_moved_to_another_area(api: psycopg.Connection[Any]) -> None:
    serve(api, scope.of_user("a", "admin", LEVELS["county"]))
    for statement in (
        "INSERT INTO homes (home_id, area_code) VALUES ('x', '330206001001')",
        "UPDATE homes SET area_code = '330206001001' WHERE home_id = 'yuhome'",
        "INSERT INTO residents (resident_id, home_id, name) VALUES ('x', 'linhome', 'x')",
        "UPDATE residents SET home_id = 'linhome' WHERE home_id = 'yuhome'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), api.transaction():
            api.execute(statement.encode())


def test_a_scope_ends_with_its_transaction(api: psycopg.Connection[Any]) -> None:
    serve(api, scope.of_user("o", "operator", ""))
    assert homes_in(api, "homes") == set(HOMES)
    api.rollback()
    assert homes_in(api, "homes") == set()


def test_devices_and_cases_of_unregistered_homes_are_everybodys_and_what_is_out_of_sight_is_not(
    api: psycopg.Connection[Any], world: str
) -> None:
    with psycopg.connect(world, autocommit=True) as owner:
        owner.execute("INSERT INTO devices (home_id, device_id, bound) VALUES ('ghost', 'g-1', false)")
    serve(api, scope.of_user("o", "supervisor", LEVELS["community"]))
    assert api.execute("SELECT home_id FROM devices WHERE NOT bound ORDER BY 1").fetchall() == [("ghost",), ("yuhome",)]


def test_the_api_reads_hypertables_only_where_it_says_so() -> None:
    found = {
        name for name, each in queries().items() if each.file.startswith(OF_THE_API) and _reads_hypertable(each.sql)
    }
    assert found == READS_HYPERTABLES


def _reads_hypertable(statement: bytes) -> bool:
    return re.search(rb"\b(reading_|hourly_|dead_letters)", statement) is not None


def test_signs_of_life_of_a_home_out_of_sight_are_not_found(api: psycopg.Connection[Any], world: str) -> None:
    with psycopg.connect(world, autocommit=True) as owner:
        for home in ("yuhome", "linhome"):
            owner.execute(
                """INSERT INTO reading_call (home_id, device_id, event_at, received_at, boot, seq, clock, test, action)
                   SELECT %s, 'pir-1', now(), now(), 1, 1, 0, false, 'press' ON CONFLICT DO NOTHING""",
                [home],
            )
    ask = queries()["api_signs_of_life"].sql
    for level, wanted in (("community", {"yuhome"}), ("city", {"yuhome", "linhome"})):
        serve(api, scope.of_user("o", "operator", LEVELS[level]))
        asked = {"home_ids": ["yuhome", "linhome"], "sinces": ["yesterday"] * 2, "since": "yesterday"}
        assert {row[0] for row in api.execute(ask, asked)} == wanted


MANY = 20_000


def plan(connection: psycopg.Connection[Any], name: str, values: dict[str, Any]) -> str:
    return "\n".join(row[0] for row in connection.execute(b"EXPLAIN " + queries()[name].sql, values))


def walks_all(text: str, names: Sequence[str]) -> list[str]:
    return [name for name in names if f"Seq Scan on {name}" in text]


@pytest.mark.parametrize("level", LEVELS)
def test_an_index_serves_the_policies_of_a_filled_database(
    api: psycopg.Connection[Any], world: str, level: str
) -> None:
    """Of 20,000 homes in 200 communities, with 20,000 past cases: no list or read of any level walks through all homes, residents or cases."""
    with psycopg.connect(world, autocommit=True) as owner:
        owner.execute(
            """INSERT INTO homes (home_id, area_code)
               SELECT 'many-' || n, '3302' || lpad((82 + n %% 4)::text, 2, '0') || lpad((n %% 10)::text, 3, '0') || lpad((n %% 200)::text, 3, '0')
                 FROM generate_series(1, %s) AS n ON CONFLICT DO NOTHING""",
            [MANY],
        )
        owner.execute(
            "INSERT INTO residents SELECT home_id || '-r', home_id, 'many' FROM homes WHERE home_id ~ '^many' ON CONFLICT DO NOTHING"
        )
        owner.execute(
            """INSERT INTO cases (case_id, home_id, area_code, family, priority, score, handling, condition, event_at, raised_at)
               SELECT home_id, home_id, area_code, 'sos', 1, 4, 'CLOSED', 'off', now(), now() FROM homes WHERE home_id ~ '^many' ON CONFLICT DO NOTHING"""
        )
        owner.execute("ANALYZE homes, residents, cases")
    prefix = LEVELS[level]
    api.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    serve(api, scope.of_user("o", "operator", prefix))
    which = {"area_prefix": prefix, "family": None, "priority": None, "desk_id": None, "waiting": False}
    plans = {
        "api_residents": {"area_prefix": prefix, "words": "", "after": "", "most": 51},
        "api_resident": {"resident_id": "many-7-r"},
        "api_home": {"home_id": "many-7"},
        "api_residents_of_home": {"home_id": "many-7"},
        "api_open_cases": which | {"by_time": False, "most": 100, "skip": 0},
        "api_count_open_cases": which,
        "api_area_of_case": {"case_id": "many-7"},
        "api_open_cases_of_home": {"home_id": "many-7"},
        "api_reasons_of_cases": {"case_ids": ["many-7"]},
        "api_devices_of_homes": {"home_ids": ["many-7"]},
    }
    found = {name: plan(api, name, values) for name, values in plans.items()}
    assert {
        name: walks for name, text in found.items() if (walks := walks_all(text, ("homes", "residents", "cases")))
    } == {}
    if level in ("community", "town"):
        assert "homes_by_area" in found["api_residents"]
    else:
        assert "Sort" not in found["api_residents"], (
            "a page of many is read in order of its key and not sorted out of all"
        )


def test_somebody_who_is_in_no_list_of_areas_opens_nothing(api: psycopg.Connection[Any]) -> None:
    serve(api, scope.of_user(user_of("yuhome"), "operator", "990101001001"))
    assert homes_in(api, "homes") == set()
