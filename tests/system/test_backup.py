"""The database is lost and comes back from a backup: people and cases as they were, what came later raised from the log, nothing twice."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts import home_cards, topics
from contracts.partitions import partition_of
from deploy.site import REPOSITORY, Site
from storage.backup import LEFT_OUT
from tests.system.alert_traffic import Traffic, eventually
from tests.system.conftest import Stages

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]
TWINS = ("alerts-1", "alerts-2")


def shouwang(site: Site, *words: str) -> tuple[int, str, str]:
    """The command line on this site: (exit code, stdout, stderr)."""
    environment = os.environ | {"SHOUWANG_DATA": str(site.data), "SHOUWANG_PORT_BASE": str(site.port_base)}
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words], cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def people(traffic: Traffic) -> dict[str, list[dict[str, Any]]]:
    """What is registered, as it stands."""
    tables = {
        "homes": "home_id",
        "residents": "resident_id",
        "resident_words": "resident_id",
        "contacts": "contact_id",
        "accounts": "account",
        "users": "user_name",
    }
    found = {table: traffic.rows(f"SELECT * FROM {table} ORDER BY {order}") for table, order in tables.items()}
    return found | {"devices": traffic.rows("SELECT * FROM devices ORDER BY home_id, device_id")}


def cases(traffic: Traffic) -> dict[str, dict[str, Any]]:
    """By home; the version and when it changed are others after a restore (a platform gets it once more), and the ladder goes on meanwhile."""
    moving = ("version", "changed_at", "rung", "deadline_at", "score", "reasons", "priority")
    return {
        case["home_id"]: {name: value for name, value in case.items() if name not in moving} for case in traffic.cases()
    }


async def card_versions(site: Site, home_id: str) -> list[int]:
    """Versions of a home's card on homes.v1, in order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=site.kafka, group_id=None)
    await consumer.start()
    try:
        place = TopicPartition(topics.HOMES, partition_of(home_id, topics.PARTITIONS))
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end, found = (await consumer.end_offsets([place]))[place], []
        while await consumer.position(place) < end:
            for record in (await consumer.getmany(place, timeout_ms=500)).get(place, []):
                if record.key == home_id.encode() and record.value is not None:
                    found.append(home_cards.decode(record.value).version)
        return found
    finally:
        await consumer.stop()


async def test_a_lost_database_comes_back_with_its_people_and_cases_and_what_came_later_is_raised_from_the_log(
    own_site: Site, own_stages: Stages, tmp_path: Path
) -> None:
    site = own_site
    file, homes = tmp_path / "b.tar", tmp_path / "homes.csv"
    async with Traffic(site) as traffic:
        home = traffic.home(0)
        homes.write_text(
            "record,home_id,area_code,address,resident_id,name,device_id,role,room,contact_name,contact_relation,contact_phone\n"
            f"home,{home},330282001001,慈溪市浒山街道1号,,,,,,,,\nresident,{home},,,{home}-r,王秀英,,,,,,\n"
            f"contact,{home},,,,,,,,李强,儿子,13900000000\ndevice,{home},,,,,door,entrance_door,entrance,,,\n"
        )
        code, out, err = shouwang(site, "home", "import", str(homes), "--passwords", str(tmp_path / "p.csv"))
        assert code == 0, err
        own_stages.start(*TWINS, "keeper")
        await traffic.say(traffic.detection("fall", 0), traffic.detection("sos", 1))
        await eventually(
            lambda: len(traffic.cases()) == 2 and not traffic.rows("SELECT 1 FROM outbox WHERE sent_at IS NULL")
        )
        await eventually(lambda: traffic.rows("SELECT 1 FROM home_cards WHERE published_version = version"))
        before, registered = cases(traffic), people(traffic)

        code, out, err = shouwang(site, "backup", str(file), "--json")
        assert code == 0, err
        told = json.loads(out)
        assert (told["rows"]["cases"], told["rows"]["homes"]) == (2, 1)
        assert not set(told["rows"]) & set(LEFT_OUT)
        assert not [table for table in told["rows"] if table.startswith(("reading_", "hourly_"))]
        assert file.stat().st_mode & 0o077 == 0
        audited = traffic.rows("SELECT * FROM audit ORDER BY audit_id")

        await traffic.say(
            traffic.detection("fall", 2), traffic.detection("fall", 0)
        )  # a new one, and one that is known
        await eventually(lambda: len(traffic.cases()) == 3)
        later = cases(traffic)
        audited_later = traffic.rows("SELECT max(audit_id) AS id FROM audit")[0]["id"]

        code, _, err = shouwang(site, "restore", str(file), "--yes")
        assert code == 1
        assert "alerts" in err, "in use: it says by whom"
        assert "Stop the stages" in err
        own_stages.close()
        code, _, err = shouwang(site, "restore", str(file))
        assert code == 1
        assert "--yes" in err
        assert len(traffic.cases()) == 3

        own_stages.stop("timescale")
        shutil.rmtree(site.data / "postgres")
        (site.data / "mosquitto" / "passwords").unlink(missing_ok=True)
        code, _, err = shouwang(site, "services", "up")
        assert code == 0, err
        code, out, err = shouwang(site, "restore", str(file), "--json")  # an empty one: nothing to ask
        assert code == 0, err
        assert json.loads(out)["kept_as"] == ""
        assert people(traffic) == registered
        assert cases(traffic) == before
        now = traffic.rows("SELECT * FROM audit ORDER BY audit_id")
        assert now[: len(audited)] == audited
        assert [row["action"] for row in now[len(audited) :]] == ["database_restored"]
        assert now[-1]["audit_id"] > audited[-1]["audit_id"], "numbers go on behind those in the backup"
        assert audited_later > audited[-1]["audit_id"]

        seen = await card_versions(site, home)
        own_stages.start(*TWINS, "keeper")
        await eventually(lambda: len(traffic.cases()) == 3, within_s=60)
        await eventually(lambda: traffic.rows("SELECT 1 FROM home_cards WHERE published_version = version"))
        assert {each: case["case_id"] for each, case in cases(traffic).items()} == {
            each: case["case_id"] for each, case in later.items()
        }
        assert {case["signals"] for case in traffic.cases()} == {1}, "no detection was taken twice"
        assert (await card_versions(site, home))[-1] > max(seen), (
            "the stream takes the card for newer than any it has seen"
        )
        await traffic.say(traffic.detection("fall", 3))
        await eventually(lambda: len(traffic.cases()) == 4)
        own_stages.close()

        # Once more, over what is there now: that is kept beside.
        code, out, err = shouwang(site, "restore", str(file), "--yes", "--json")
        assert code == 0, err
        kept = json.loads(out)["kept_as"]
        assert kept.startswith("shouwang_before_")
        assert len(traffic.cases()) == 2
        assert traffic.rows("SELECT 1 FROM pg_database WHERE datname = %s", kept)


def test_what_is_no_backup_is_refused_and_says_what_would_be_one(site: Site, tmp_path: Path) -> None:
    nothing, other = tmp_path / "nothing.tar", tmp_path / "other.tar"
    for file in (nothing, tmp_path):
        code, _, err = shouwang(site, "restore", str(file))
        assert code == 1
        assert "`./shouwang backup` writes one" in err
    manifest = tmp_path / "manifest.json"
    manifest.write_text('{"format":1,"made_at":"2030-01-01T00:00:00Z","migrations":{"9999_later.sql":"x"},"rows":{}}')
    with tarfile.open(other, "w") as tar:
        tar.add(manifest, "manifest.json")
        tar.add(manifest, "tables.dump")
    code, _, err = shouwang(site, "restore", str(other))
    assert code == 1
    assert "9999_later.sql" in err


def test_a_backup_into_a_folder_gets_a_name_with_its_date(site: Site, tmp_path: Path) -> None:
    code, out, err = shouwang(site, "backup", str(tmp_path))
    assert code == 0, err
    (file,) = tmp_path.iterdir()
    assert file.name.startswith("shouwang-20")
    assert file.suffix == ".tar"
    assert str(file) in out
