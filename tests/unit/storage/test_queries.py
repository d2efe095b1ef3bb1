"""Queries by name: what a file must say, and that a wrong name is noticed at once."""

import pytest

from storage.errors import BadQueryFile, UnknownQuery
from storage.queries import parse, queries, query

GOOD = """
-- name: first_one
-- Says what it is for.
SELECT 1;

-- name: second_one
-- And this too.
SELECT %(x)s
  FROM t;
"""


def test_each_query_keeps_its_name_its_sentence_and_its_statement():
    first, second = parse(GOOD, "file.sql")
    assert (first.name, first.what, first.sql) == ("first_one", "Says what it is for.", b"SELECT 1")
    assert second.sql == b"SELECT %(x)s\n  FROM t"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-- name: no_sentence\nSELECT 1;\n", "no line that says"),
        ("-- name: Bad-Name\n-- x\nSELECT 1;\n", "is no name"),
        ("-- name: empty\n-- x\n", "no statement"),
    ],
)
def test_a_query_that_says_too_little_is_refused_with_its_file(text, complaint):
    with pytest.raises(BadQueryFile, match=complaint):
        parse(text, "file.sql")


def test_every_file_of_the_repository_reads_and_no_name_is_used_twice():
    assert len(queries()) > 20


def test_an_unknown_name_names_what_is_similar():
    with pytest.raises(UnknownQuery, match="merge_counts"):
        query("merge_count")
