"""Migration files: their names, their order, their first line. How they are applied stands in tests/contract/storage."""

import pytest

from storage.errors import BadMigration
from storage.migrate import migrations


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text)
    return folder


def test_the_repository_s_migrations_are_in_order_and_each_says_why():
    names = [migration.name for migration in migrations()]
    assert names == sorted(names)
    assert names[0] == "0001_people.sql"


def test_a_number_is_used_once(tmp_path):
    with pytest.raises(BadMigration, match="same number"):
        migrations(write(tmp_path, **{"0001_a": "-- x\n", "0001_b": "-- x\n"}))


def test_a_migration_without_a_reason_is_refused(tmp_path):
    with pytest.raises(BadMigration, match="does not say why"):
        migrations(write(tmp_path, **{"0001_a": "CREATE TABLE a ();"}))


def test_a_name_without_its_number_is_refused(tmp_path):
    with pytest.raises(BadMigration, match="NNNN_words"):
        migrations(write(tmp_path, telemetry="-- x\n"))
