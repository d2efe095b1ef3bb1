"""The page about the evidence score is what the code does."""

import pytest

from alerts.examples import EXAMPLES, PAGE, page, signals_of
from alerts.rules import ENDING
from alerts.scoring import score_of


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_scores_what_it_says(example):
    assert score_of(signals_of(example), lasting=example.family in ENDING).value == example.score


def test_the_page_was_written_from_the_examples_as_they_are():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m alerts.examples`"
