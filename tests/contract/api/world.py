"""A small world for the matrix: a home at each distance from one community, everything that can hang on a home, and users of every role and level.

A home's id is a word that stands in every text about it, so that a leak is seen wherever it comes out.
"""

import hashlib
import json
import uuid
from typing import Any

from argon2 import PasswordHasher
from psycopg.types.json import Jsonb

from alerts.coverage_keeper import CoverageKeeper
from storage import consents, database, people
from storage.records import Contact, Device, Home, Resident
from tests.contract.api.office import PASSWORD

LEVELS = {
    "community": "330282001001",
    "town": "330282001",
    "county": "330282",
    "city": "3302",
    "site": "",
}
"""Level -> area prefix of its users, the narrowest first. The user of a level sees the homes up to the one of that name in HOMES."""
HOMES = {
    "yuhome": "330282001001",
    "taohome": "330282001002",
    "songhome": "330282002001",
    "linhome": "330206001001",
    "meihome": "330402001001",
}
"""Home -> area code: in the same community, town, county, city, elsewhere."""
NOBODY = "zhuhome"
"""A home that does not exist, and nothing of it."""
OPENER = "opener"
"""Who opened the glasses; of an area that has nothing to do with these."""
_QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
ROLES = ("operator", "supervisor", "admin")
OF_LEVELS = (*ROLES, "platform")
USERS = [*(f"{role}-{level}" for role in OF_LEVELS for level in LEVELS), "family-yuhome", "helper-yuhome"]


def visible_to(user: str) -> list[str]:
    """Homes that a user of USERS may know of."""
    role, _, name = user.partition("-")
    return [name] if role in ("family", "helper") else list(HOMES)[: list(LEVELS).index(name) + 1]


def _id(what: str, home: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{what} {home}"))


def area_of(home: str) -> str:
    return HOMES.get(home, "990101001001")


def case_of(home: str) -> str:
    return _id("sos", home)


def question_of(home: str) -> str:
    return _id("question", home)


def resident_of(home: str) -> str:
    return f"{home}-resident"


def user_of(home: str) -> str:
    return f"user.{home}"


def glass_of(home: str) -> str:
    return str([*HOMES, NOBODY].index(home) + 7_770_000)


def desk_of(home: str) -> str:
    return f"desk-of-{home}"


def call_of(home: str) -> str:
    return f"ring-{home}"


def recipient_of(home: str) -> str:
    return f"kin-of-{home}"


def token_of(home: str) -> str:
    return f"token-{home}"


def handover_of(home: str) -> str:
    return f"handover-{home}"


def of_home(home: str) -> list[Any]:
    """Records of one home."""
    return [
        Home(home, HOMES[home], f"{home} 路 1 号"),
        Resident(resident_of(home), home, f"老人 {home}", 1940, "f", f"+86 137 0000 {list(HOMES).index(home):04d}"),
        Contact(home, f"女儿 {home}", "+86 139 0000 0003", "女儿", 1),
        Device(home, "pir-1", "motion", "living"),
    ]


async def furnish(conninfo: str, homes: list[str]) -> None:
    """These homes with all that hangs on them: cases of three kinds, a question to kin, a review, an unbound device, a refused payload, a view, an opening."""
    async with (
        database.pool(conninfo, "test world", size=1) as opened,
        opened.connection() as connection,
        connection.transaction(),
    ):
        await people.register(connection, [record for home in homes for record in of_home(home)], actor="test")
        for home in homes:
            area = HOMES[home]
            kin = f"family-{home}"
            await add_user(connection, user_of(home), "operator", area)
            await add_user(connection, kin, "family", family_of=resident_of(home))
            for family, handling, case_id in (
                ("sos", "QUEUED", case_of(home)),
                ("fall", "ASKING", _id("fall", home)),
                ("smoke", "RESOLVED", _id("smoke", home)),
            ):
                await connection.execute(
                    """INSERT INTO cases (case_id, home_id, area_code, family, priority, score, handling, condition, event_at, raised_at, resolved_at, resolved_by, outcome,
                                          asking_until_at, first_queued_at, claimed_at)
                       VALUES (%s, %s, %s, %s, 1, 3, %s, 'latched', now(), now(), now(), 'viewer', 'false_alarm', now() + interval '1 hour',
                               CASE WHEN %s THEN now() END, CASE WHEN %s THEN now() END)""",
                    # One case a home was answered: a report lists the ten busiest sources, and all homes shall be among them.
                    [case_id, home, area, family, handling, family == "sos", family == "sos"],
                )
            await connection.execute(
                """INSERT INTO case_questions (question_id, case_id, round, channel, recipient, asked_at, taken_until_at)
                   VALUES (%s, %s, 1, 'app', %s, now(), now())""",
                [question_of(home), _id("fall", home), kin],
            )
            await connection.execute(
                "INSERT INTO incident_reviews (case_id, opened_at, waited_s) VALUES (%s, now(), 200)", [case_of(home)]
            )
            await connection.execute(
                """INSERT INTO detections (detection_id, lane, revision, detector, family, home_id, "on", started_at, decided_at, case_id, body)
                   VALUES (%s, 'urgent', 1, 'call', 'sos', %s, true, now(), now(), %s, '{"reason": "call.press", "evidence": {}}')""",
                [_id("detection", home), home, case_of(home)],
            )
            await connection.execute(
                "INSERT INTO devices (home_id, device_id, bound) VALUES (%s, 'stray-1', false)", [home]
            )
            await connection.execute(
                """INSERT INTO dead_letters (at, letter_id, stage, source, topic, account, reason, detail, size, payload)
                   VALUES (now(), %s, 'ingest', 'main', 't', %s, 'bad_json', '', 1, 'x')""",
                [home, f"{home}.pir-1"],
            )
            await connection.execute(
                "INSERT INTO audit (actor, action, home_id, facts) VALUES ('viewer', 'viewed', %s, %s)",
                [home, Jsonb({"residents": [resident_of(home)], "right": "area *"})],
            )
            await connection.execute(
                """INSERT INTO break_glass (opening_id, user_name, user_area, resident_id, home_id, area_code, reason, opened_at, ends_at)
                   OVERRIDING SYSTEM VALUE VALUES (%s, %s, '99', %s, %s, %s, 'a reason for the matrix', now(), now() + interval '50 min')""",
                [glass_of(home), OPENER, resident_of(home), home, area],
            )
            await connection.execute(
                """INSERT INTO service_windows (window_id, area_code, home_id, technical_only, reason, substitute, from_at, until_at, planned_by, planned_at)
                   OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, false, 'planned', 'somebody', now() + interval '5 hours', now() + interval '6 hours', 'viewer', now())""",
                [glass_of(home), area, home],
            )
            await families_of(connection, home)
            await shifts_of(connection, home)
    await keep_coverage(conninfo)


async def keep_coverage(conninfo: str) -> None:
    """What a twin of alerts does each second."""
    async with database.pool(conninfo, "test coverage", size=1) as opened:
        await CoverageKeeper(opened, 16, standstill_s=15.0).look()


async def families_of(connection: database.Connection, home: str) -> None:
    """Consent, a notice, a contact of a known number, a token, a helper who was asked to come and who made a visit."""
    kin, helper = f"family-{home}", f"helper-{home}"
    await add_user(connection, helper, "helper", HOMES[home])
    for statement, values in (
        ("INSERT INTO consents (resident_id, user_name, scopes, given_by, ground, recorded_by) VALUES (%s, %s, %s, 'resident', 'said', 'test')",
         [resident_of(home), kin, list(consents.SCOPES)]),
        ("""INSERT INTO home_notices (notice_id, home_id, resident_id, kind, everybody, from_at, until_at, made_by)
            OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, 'visitor', false, now(), now() + interval '1 day', %s)""",
         [glass_of(home), home, resident_of(home), kin]),
        ("INSERT INTO contacts (contact_id, home_id, rank, name, phone) OVERRIDING SYSTEM VALUE VALUES (%s, %s, 2, %s, '+86 139 0000 0009')",
         [glass_of(home), home, f"邻居 {home}"]),
        ("""INSERT INTO kin_tokens (token_id, user_name, name, token_hash, scopes, epoch, made_at, ends_at)
            VALUES (%s, %s, %s, %s, '{word}', 0, now(), now() + interval '1 day')""", [token_of(home), kin, f"tablet {home}", f"hash {home}"]),
        ("INSERT INTO kin_going (case_id, user_name, said_at) VALUES (%s, %s, now())", [case_of(home), kin]),
        ("INSERT INTO helpers (user_name, kind) VALUES (%s, 'community')", [helper]),
        ("INSERT INTO responses (case_id, user_name, state, asked_by, asked_at, limit_s) VALUES (%s, %s, 'asked', 'viewer', now(), 600)",
         [case_of(home), helper]),
        ("UPDATE residents SET groups = '{alone}' WHERE resident_id = %s", [resident_of(home)]),
        ("""INSERT INTO visits (resident_id, user_name, at, left_at, how, result)
            VALUES (%s, %s, now() - interval '2 h', now() - interval '1 h', 'door', 'well')""", [resident_of(home), helper]),
        ("""INSERT INTO upstream_consents (resident_id, agreed, given_by, ground, recorded_by, recorded_at)
            VALUES (%s, true, 'resident', 'said', 'test', now() - interval '1 day')""", [resident_of(home)]),
        ("INSERT INTO assessments (resident_id, level, assessed_on, assessor, recorded_by) VALUES (%s, 0, 'yesterday', 'test', 'test')", [resident_of(home)]),
        ("""INSERT INTO handovers (handover_id, case_id, bundle, asked_by, asked_at, next_at, attempts)
            VALUES (%s, %s, '{}', 'viewer', now(), now(), 30)""", [handover_of(home), case_of(home)]),
    ):  # fmt: skip
        await connection.execute(statement.encode(), values)


async def shifts_of(connection: database.Connection, home: str) -> None:
    """A centre of the home's community with a desk at which somebody sits, a duty, an offer, a hand-over that waits, and whom it tells."""
    area, who = HOMES[home], user_of(home)
    document = json.dumps({"note": home, "left": {"in_hand": [], "call_backs": [], "second_looks": []}})
    digest = hashlib.sha256(document.encode()).hexdigest()
    for statement, values in (
        ("INSERT INTO centres (area_prefix, name) VALUES (%s, %s)", [area, f"centre {home}"]),
        ("INSERT INTO desks (desk_id, area_prefix) VALUES (%s, %s)", [desk_of(home), area]),
        ("""INSERT INTO sign_ons (sign_on_id, desk_id, area_prefix, user_name, signed_on_at, seen_at)
            OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s, now(), now())""", [glass_of(home), desk_of(home), area, who]),
        ("""INSERT INTO duties (duty_id, area_prefix, user_name, from_at, to_at, made_by, made_at)
            OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, now(), now() + interval '8 hours', 'test', now())""", [glass_of(home), area, who]),
        ("INSERT INTO staffing_gaps (area_prefix, from_at, on_duty, least) VALUES (%s, now(), 1, 2)", [area]),
        ("INSERT INTO case_offers (case_id, spell, user_name, why, offered_at, until_at) VALUES (%s, 0, %s, 'load', now(), now() + interval '1 hour')",
         [case_of(home), who]),
        ("INSERT INTO shift_handovers (handover_id, area_prefix, sign_on_id, from_user, written_at, document, digest) VALUES (%s, %s, %s, %s, now(), %s, %s)",
         [handover_of(home), area, glass_of(home), who, document, digest]),
        ("INSERT INTO handover_signatures (handover_id, part, user_name, signed_at, digest) VALUES (%s, 'gives', %s, now(), %s)",
         [handover_of(home), who, digest]),
        ("INSERT INTO recipients (recipient_id, kind, url, home_id, consented_at, ground) VALUES (%s, 'kin', 'json://x', %s, now(), 'said')",
         [recipient_of(home), home]),
        ("INSERT INTO recipients (recipient_id, kind, url, area_prefix) VALUES (%s, 'desk', 'json://x', %s)", [f"desk-phone-{home}", area]),
        ("""INSERT INTO telephone_calls (call_id, area_prefix, number, home_id, rang_at, due_at)
            VALUES (%s, %s, '1', %s, now(), now() + interval '1 day')""", [call_of(home), area, home]),
        ("INSERT INTO telephone_dials (dial_id, case_id, number, asked_by, asked_at) VALUES (%s, %s, '1', %s, now())", [call_of(home), case_of(home), who]),
        ("INSERT INTO rota (recipient_id, weekday, from_minute, to_minute) VALUES (%s, 1, 0, 60)", [recipient_of(home)]),
        ("INSERT INTO recipient_trials (recipient_id, asked_by, asked_at, sent) VALUES (%s, 'viewer', now() - interval '1 hour', true)", [recipient_of(home)]),
    ):  # fmt: skip
        await connection.execute(statement.encode(), values)


async def people_of_all_levels(conninfo: str) -> None:
    """Users of every role and level; who opened the glasses is nobody's."""
    async with database.pool(conninfo, "test world", size=1) as opened, opened.connection() as connection:
        await add_user(connection, OPENER, "operator", "990101001001")
        for role in OF_LEVELS:
            for level, prefix in LEVELS.items():
                await add_user(connection, f"{role}-{level}", role, prefix)


async def add_user(
    connection: database.Connection, user_name: str, role: str, area_prefix: str = "", family_of: str = ""
) -> None:
    """A user whose password costs little to check: many log in."""
    await connection.execute(
        "INSERT INTO users (user_name, role, area_prefix, password_hash) VALUES (%s, %s, %s, %s)",
        [user_name, role, area_prefix, _QUICK],
    )
    if family_of:
        await connection.execute(
            "INSERT INTO family_links (user_name, resident_id) VALUES (%s, %s)", [user_name, family_of]
        )
