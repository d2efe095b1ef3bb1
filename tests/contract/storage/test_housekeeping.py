"""Roll-ups and retention on the real TimescaleDB (Apache edition)."""

from datetime import UTC, datetime

import psycopg
import pytest

from contracts.kinds import UNRESOLVED
from storage import housekeeping
from storage.counts import ROLLED_UP, Counts
from storage.settings import KeeperSettings
from tests.contract.storage.telling import Telling
from tests.unit.storage.rows import T0, batch, row

pytestmark = pytest.mark.services

HOUR_S = T0 // 3600 * 3600
AT_ONCE = {"after_s": 0, "at_latest_s": 0}


@pytest.fixture
def keep(store):
    """Stores batches with their accounts, so that hours are marked."""

    def keep(*batches):
        counts = Counts()
        for each in batches:
            store.store(each)
            counts.add(each.tables)
        store.account(counts, {}, {})

    return keep


async def test_an_hour_is_summed_up_by_device(keep, connection, telling):
    rows = [row(seq=n, at_s=HOUR_S + n * 600, heart_rate_bpm=60.0 + n, steps=n) for n in range(6)]
    keep(
        batch(*rows, row(seq=9, at_s=HOUR_S + 3600, heart_rate_bpm=200.0), row(seq=1, home="h-2", heart_rate_bpm=90.0))
    )
    await housekeeping.roll_up(connection, **AT_ONCE)
    found = telling.rows(
        "SELECT home_id, extract(epoch FROM hour_at)::bigint, readings, heart_rate_min_bpm, heart_rate_avg_bpm, heart_rate_max_bpm, steps FROM hourly_vitals "
        "ORDER BY 1, 2"
    )
    hour = int(HOUR_S)
    assert found == [
        ("h-1", hour, 6, 60, 62.5, 65, 15),
        ("h-1", hour + 3600, 1, 200, 200, 200, None),
        ("h-2", hour, 1, 90, 90, 90, None),
    ]


async def test_late_rows_mend_their_hour_and_a_second_run_changes_nothing(keep, connection, telling):
    keep(batch(row("motion", seq=1)))
    assert await housekeeping.roll_up(connection, **AT_ONCE) == [("motion", "")]
    keep(batch(row("motion", seq=2, at_s=T0 + 1, received_at_s=T0 + 36_000, moving=False)))
    assert await housekeeping.roll_up(connection, **AT_ONCE) == [("motion", "h-1")]
    assert await housekeeping.roll_up(connection, **AT_ONCE) == []
    assert telling.rows("SELECT readings, moves, last_move_at FROM hourly_motion") == [
        (2, 1, datetime.fromtimestamp(T0, UTC))
    ]


async def test_an_hour_that_is_still_touched_waits(keep, connection):
    keep(batch(row(seq=1)))
    assert await housekeeping.roll_up(connection, after_s=900, at_latest_s=86_400) == []


async def test_a_row_that_comes_while_its_hour_is_computed_leaves_its_mark(keep, connection, telling):
    keep(batch(row(seq=1)))
    (due,) = await housekeeping.fetch_all(connection, housekeeping.DUE, after_s=0, at_latest_s=0, at_most=9)
    keep(batch(row(seq=2, at_s=T0 + 1)))
    await housekeeping.execute(connection, housekeeping.MADE, **due)
    assert telling.rows("SELECT count(*) FROM rollup_due") == [1]


async def test_a_row_whose_time_nobody_knows_is_in_no_hour(keep, connection, telling):
    keep(
        batch(
            row("water", seq=1, litres=3.0),
            row("water", seq=2, at_s=T0 + 1, litres=500.0, clock=UNRESOLVED, device_at_s=None),
        )
    )
    await housekeeping.roll_up(connection, **AT_ONCE)
    assert telling.rows("SELECT readings, litres FROM hourly_water") == [(1, 3)]


@pytest.mark.parametrize("kind", ROLLED_UP)
async def test_every_roll_up_fills_its_table(keep, connection, telling, kind):
    needed = {"holding": {"temperature_c": 64.0}}
    keep(batch(row(kind, seq=1, **needed.get(kind, {}))))
    await housekeeping.roll_up(connection, **AT_ONCE)
    assert telling.rows(
        f"SELECT device_id, readings FROM hourly_{kind} WHERE home_id = 'h-1' AND hour_at = to_timestamp({HOUR_S})"
    ) == [("watch", 1)]


def age_chunks(telling, hypertable, days):
    """As if the chunks had been made so long ago. Needs the superuser: TimescaleDB's catalogue is not ours."""
    telling._connection.execute(
        "UPDATE _timescaledb_catalog.chunk AS c SET creation_time = creation_time - make_interval(days => %s) "
        "FROM _timescaledb_catalog.hypertable AS h WHERE h.id = c.hypertable_id AND h.table_name = %s",
        [days, hypertable],
    )


@pytest.fixture
def superuser(site, empty):
    """``Telling`` that may change TimescaleDB's catalogue."""
    name = psycopg.conninfo.conninfo_to_dict(empty)["dbname"]
    with psycopg.connect(site.superuser_conninfo(str(name)), autocommit=True) as connection:
        yield Telling(connection)


async def test_chunks_go_by_the_time_they_were_made_not_by_the_times_in_them(keep, connection, telling, superuser):
    old_s = T0 - 3000 * 86_400
    keep(batch(row(seq=1)), batch(row(seq=2, at_s=old_s, received_at_s=old_s)))
    await housekeeping.retain(connection, KeeperSettings())
    assert telling.numbers() == [1, 2]  # a replayed recording is new
    age_chunks(superuser, "reading_vitals", 401)
    keep(batch(row(seq=3, at_s=T0 + 86_400)))
    assert (await housekeeping.retain(connection, KeeperSettings()))["reading_vitals"] == 2
    assert telling.numbers() == [3]


async def test_samples_are_kept_for_a_shorter_time_than_the_rest(keep, connection, telling, superuser):
    keep(batch(row(seq=1), row("inertial", seq=2, rate_hz=50.0, range_g=4.0, samples=bytes(6))))
    for name in ("reading_vitals", "reading_inertial"):
        age_chunks(superuser, name, 31)
    assert await housekeeping.retain(connection, KeeperSettings()) == {"reading_inertial": 1}
    assert telling.numbers() == [1]


async def test_old_identities_and_ended_boots_are_forgotten_but_not_a_device_s_newest_boot(keep, connection, telling):
    keep(
        batch(row(seq=1, boot=1), row(seq=2, boot=2), row("motion", seq=3, boot=-1, clock=UNRESOLVED, device_at_s=None))
    )
    telling._connection.execute("UPDATE device_counts SET last_at = now() - interval '40 days'")
    telling._connection.execute("UPDATE row_identity SET stored_at = now() - interval '40 days'")
    await housekeeping.retain(connection, KeeperSettings())
    assert telling.rows("SELECT boot FROM device_counts") == [2]
    assert telling.rows("SELECT count(*) FROM row_identity") == [0]


async def test_the_community_edition_s_policies_are_well_formed_though_this_edition_refuses_them(connection):
    assert not await housekeeping.is_community(connection)
    statements = list(housekeeping.community_policies(KeeperSettings()))
    assert len(statements) > 17
    for statement in statements:
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="license"):
            await connection.execute(statement)
