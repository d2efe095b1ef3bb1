"""Registering people and devices in the real database: all or nothing, repeatable, with cards that follow and an audit."""

import asyncio
from datetime import UTC, datetime

import pytest

from contracts import home_cards
from deploy.native.mosquitto import verify_password
from storage import accounts, import_csv, people
from storage.accounts import Account
from storage.cards import refresh_card
from storage.database import connect
from storage.errors import BadRecord, UnknownHome, UnknownUser, UserExists
from storage.records import Contact, Device, Home, Resident, User

pytestmark = pytest.mark.services

HOME = Home("h-1", "330282001001", "慈溪市浒山街道1号", care_level=2)
FLAT = [
    HOME,
    Resident("r-1", "h-1", "王秀英", 1938, "f", "13800000000"),
    Contact("h-1", "李强", "13900000000", "儿子"),
    Device("h-1", "door", "entrance_door", "entrance"),
    Device("h-1", "watch", "wearable", "other", "r-1"),
]


@pytest.fixture
def register(connection):
    async def register(*records):
        async with connection.transaction():
            return await people.register(connection, records, actor="test")

    return register


@pytest.fixture
def card(telling):
    """The card of a home, or None."""

    def card(home_id="h-1"):
        found = telling.rows("SELECT card FROM home_cards WHERE home_id = %s", home_id)
        return home_cards.decode(bytes(found[0])) if found else None

    return card


async def test_a_home_with_everybody_in_it_gets_a_card_without_names(register, card, telling):
    assert await register(*FLAT) == (1, 1, 1, 2, 1)
    found = card()
    assert (found.version, found.care_level, found.residents) == (1, 2, ("r-1",))
    assert (found.device_ids, found.device_residents) == (("door", "watch"), ("", "r-1"))
    assert "王秀英".encode() not in home_cards.encode(found)
    assert telling.rows("SELECT actor, action, home_id FROM audit") == [("test", "registered", "h-1")]


async def test_the_same_again_changes_nothing_and_another_value_is_set_right(register, card, telling):
    await register(*FLAT)
    assert (await register(*FLAT)).cards_changed == 0
    assert card().version == 1
    await register(HOME._replace(care_level=4), Contact("h-1", "李强", "13900000000", "侄子", 2))
    assert (card().version, card().care_level) == (2, 4)
    assert telling.rows("SELECT name, relation, rank FROM contacts") == [("李强", "侄子", 2)]


async def test_one_bad_record_and_nothing_is_registered(register, telling):
    with pytest.raises(BadRecord, match=r"device h-1.d .*role 'x'"):
        await register(*FLAT, Device("h-1", "d", "x"))
    assert telling.rows("SELECT count(*) FROM homes") == [0]


async def test_a_resident_who_moves_changes_both_cards(register, card):
    await register(*FLAT[:2], Home("h-2", "330282001001"))
    await register(Resident("r-1", "h-2", "王秀英"))
    assert (card("h-1").residents, card("h-2").residents) == ((), ("r-1",))


async def test_a_device_that_was_only_heard_is_bound_by_registering_and_can_be_unbound(
    register, card, connection, telling
):
    await register(HOME)
    telling._connection.execute(
        "INSERT INTO devices (home_id, device_id, bound, last_seen_at) VALUES ('h-1', 'door', false, now())"
    )
    async with connection.transaction():
        assert not await refresh_card(connection, "h-1")  # not on the card before somebody says what it is
    await register(Device("h-1", "door", "entrance_door"))
    assert card().device_ids == ("door",)
    async with connection.transaction():
        assert await people.unbind_device(connection, "h-1", "door", actor="test")
        assert not await people.unbind_device(connection, "h-1", "door", actor="test")
    assert card().device_ids == ()


async def test_being_away_and_being_removed_stand_on_the_card(register, card, connection):
    await register(HOME)
    until = datetime(2026, 12, 1, tzinfo=UTC)
    async with connection.transaction():
        await people.set_away(connection, "h-1", until, actor="test")
    assert card().away_until_s == until.timestamp()
    async with connection.transaction():
        await people.remove_home(connection, "h-1", actor="test")
    assert card().removed
    with pytest.raises(UnknownHome):
        async with connection.transaction():
            await people.set_away(connection, "h-1", None, actor="test")
    await register(HOME)
    assert (card().removed, card().version) == (False, 4)


async def test_two_changes_of_one_home_at_once_both_stand_on_the_card(register, card, connection, empty):
    await register(HOME)
    other = await connect(empty, "other", lock_s=10)
    try:
        async with connection.transaction():
            await people.register(connection, [Device("h-1", "one")], actor="test")

            async def later():
                async with other.transaction():
                    return await people.register(other, [Device("h-1", "two")], actor="test")

            waiting = asyncio.create_task(later())
            await asyncio.sleep(0.2)
        await waiting
    finally:
        await other.close()
    assert (card().device_ids, card().version) == (("one", "two"), 3)


class TestTable:
    """A file of records."""

    HEADER = "record,home_id,area_code,resident_id,name,device_id,role,room,device_resident\n"

    async def take(self, connection, text):
        return await import_csv.check(connection, import_csv.parse(self.HEADER + text))

    async def test_lines_that_rely_on_a_bad_line_fall_with_it_and_say_why(self, connection):
        table = await self.take(
            connection,
            "home,h-1,3302,,,,,,\nhome,h-2,330282001001,,,,,,\nresident,h-1,,r-1,A,,,,\ndevice,h-2,,,,watch,wearable,other,r-1\nresident,h-2,,r-2,B,,,,\n",
        )
        assert [(bad.line, bad.problem.split(";")[0]) for bad in table.bad] == [
            (2, "area_code '3302' is not the 12 digits of a community or village"), (4, "home h-1 is not registered"), (5, "resident r-1 is not registered"),
        ]  # fmt: skip
        assert table.lines == [3, 6]

    async def test_a_resident_of_another_home_and_a_line_given_twice_are_named(self, connection):
        table = await self.take(
            connection,
            "home,h-1,330282001001,,,,,,\nhome,h-2,330282001001,,,,,,\nresident,h-1,,r-1,A,,,,\ndevice,h-2,,,,watch,wearable,other,r-1\nhome,h-2,330282001001,,,,,,\n",
        )
        assert [(bad.line, bad.problem.split(";")[0]) for bad in table.bad] == [
            (5, "resident r-1 lives in h-1, not in h-2"), (6, "the same home was given before"),
        ]  # fmt: skip

    async def test_what_is_registered_already_can_be_relied_on(self, connection, register):
        await register(HOME, Resident("r-1", "h-1", "A"))
        assert (await self.take(connection, "device,h-1,,,,watch,wearable,other,r-1\n")).bad == []


class TestUsers:
    """Who may log in."""

    async def add(self, connection, user, password=None):
        async with connection.transaction():
            return await people.add_user(connection, user, password, actor="test")

    async def test_a_password_is_made_shown_once_and_kept_as_argon2id(self, connection, telling):
        password = await self.add(connection, User("ops", "operator"))
        (kept,) = telling.rows("SELECT password_hash FROM users")
        assert len(password) >= 16
        assert kept.startswith("$argon2id$")
        assert password not in kept

    async def test_a_family_member_is_linked_to_a_resident_who_exists(self, connection, register, telling):
        await register(*FLAT)
        with pytest.raises(BadRecord, match="resident r-9 is not registered"):
            await self.add(connection, User("kin", "family", family_of=("r-9",)))
        await self.add(connection, User("kin", "family", family_of=("r-1",)))
        assert telling.rows("SELECT user_name, resident_id FROM family_links") == [("kin", "r-1")]

    async def test_a_short_password_and_a_name_that_is_taken_are_refused(self, connection):
        with pytest.raises(BadRecord, match="shorter than 10"):
            await self.add(connection, User("ops", "operator"), "short")
        await self.add(connection, User("ops", "operator"), "long enough 1")
        with pytest.raises(UserExists):
            await self.add(connection, User("ops", "admin"))

    async def test_a_new_password_and_keeping_out_end_the_sessions(self, connection, telling):
        await self.add(connection, User("ops", "operator"))
        async with connection.transaction():
            await people.set_password(connection, "ops", actor="test")
            await people.set_active(connection, "ops", False, actor="test")
            with pytest.raises(UnknownUser):
                await people.set_password(connection, "nobody", actor="test")
        assert telling.rows("SELECT token_epoch, active FROM users") == [(2, False)]


class TestAccounts:
    """MQTT accounts in the database."""

    async def test_a_password_is_kept_as_the_broker_s_hash_only_and_a_new_one_ends_the_old(self, connection, telling):
        first = (await accounts.create(connection, [Account("h-1.watch")]))["h-1.watch"]
        second = (await accounts.create(connection, [Account("h-1.watch")]))["h-1.watch"]
        (kept,) = telling.rows("SELECT password_hash FROM accounts")
        assert verify_password(second, kept)
        assert not verify_password(first, kept)

    async def test_a_revoked_account_is_no_longer_rendered_until_it_is_made_again(self, connection):
        await accounts.create(connection, [Account("h-1.watch"), Account("vendor", "gateway", "330282001")])
        assert await accounts.revoke(connection, "h-1.watch")
        assert not await accounts.revoke(connection, "h-1.watch")
        names = [row["account"] for row in await accounts.fetch_all(connection, accounts.VALID)]
        assert names == ["vendor"]
        await accounts.create(connection, [Account("h-1.watch")])
        assert len(await accounts.fetch_all(connection, accounts.VALID)) == 2
