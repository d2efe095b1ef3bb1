"""The page about the life cycle is the table."""

from alerts.drawing import PAGE, page
from alerts.lifecycle import TABLE


def test_the_page_was_drawn_from_the_table_as_it_is():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m alerts.drawing`"


def test_the_page_shows_every_row_of_the_table():
    lines = page().splitlines()
    for (before, event), after in TABLE.items():
        assert any(line.startswith(f"| {before} | {event} | {after} |") for line in lines)
