"""A demonstration's homes keep the lines that they learned, unless cards have others by now."""

import pytest

from cli._neighbourhood import _learn
from contracts.kinds import LINES
from simulators.neighbourhood import neighbourhood
from storage import people
from storage.database import connect
from storage.queries import fetch_one
from storage.records import Home

pytestmark = pytest.mark.services


async def test_lines_of_another_form_are_learned_anew(fresh_database, tmp_path):
    homes = neighbourhood(1, seed=3)
    home_id = homes[0].home_id
    opened = await connect(fresh_database, "test")
    try:
        async with opened.transaction():
            await people.register(opened, [Home(home_id, "330282001001")], actor="test")
        lines, learned_now = await _learn(opened, homes, 1_790_000_000.0, tmp_path)
        assert (len(lines[home_id]), learned_now) == (LINES, 1)
        assert (await _learn(opened, homes, 1_790_000_000.0, tmp_path))[1] == 0
        async with opened.transaction():
            await opened.execute("UPDATE learned_silences SET silence_min = silence_min[1:96]")
        lines, learned_now = await _learn(opened, homes, 1_790_000_000.0, tmp_path)
        assert (len(lines[home_id]), learned_now) == (LINES, 1)
        kept = await fetch_one(opened, b"SELECT array_length(silence_min, 1) AS lines FROM learned_silences")
        assert kept == {"lines": LINES}
    finally:
        await opened.close()
