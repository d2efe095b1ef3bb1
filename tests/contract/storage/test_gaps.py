"""Missing numbers: known from what is stored, closed by late rows, excused by dead letters."""

import pytest

from contracts.dead_letters import DeadLetter
from storage.counts import Counts
from storage.housekeeping import LISTED_RUNS
from storage.queries import query
from tests.unit.storage.rows import T0, batch, row

pytestmark = pytest.mark.services


@pytest.fixture
def account(store):
    """Merges batches and dead letters, as the writer does every few seconds."""

    def merge(*batches, letters=()):
        counts = Counts()
        for each in batches:
            counts.add(each.tables)
        counts.add({}, letters)
        store.account(counts, {}, {})

    return merge


def numbers(*seqs, **facts):
    return batch(*[row(seq=seq, at_s=T0 + seq % 1000, **facts) for seq in seqs])


def refused(seq, boot=1):
    return DeadLetter(
        at_s=T0,
        stage="ingest",
        source="main",
        topic="t",
        account="h-1.watch",
        reason="out_of_range",
        detail="",
        boot=boot,
        seq=seq,
    )


def test_missing_numbers_are_gaps(account, telling):
    account(numbers(1, 2, 5, 9))
    assert telling.gaps() == [("watch", 3, 4), ("watch", 6, 8)]


def test_a_late_row_closes_its_gap(account, telling):
    account(numbers(1, 2, 5))
    account(numbers(4))
    assert telling.gaps() == [("watch", 3, 3)]
    account(numbers(3))
    assert telling.gaps() == []


def test_the_first_numbers_count_too_and_a_boot_may_begin_with_0(account, telling):
    account(numbers(3), numbers(0, 1, boot=2))
    assert telling.gaps() == [("watch", 1, 2)]


def test_a_device_that_counted_long_before_it_was_ours_has_no_gap_before(account, telling):
    account(numbers(50_000, 50_002))
    assert telling.gaps() == [("watch", 50_001, 50_001)]


def test_a_refused_number_is_no_gap(account, telling):
    account(numbers(1, 4), letters=[refused(2), refused(3), refused(7)])
    assert telling.gaps() == [("watch", 5, 6)]


def test_what_the_device_says_it_sent_and_never_came_is_a_gap(account, telling):
    account(batch(row(seq=1), row("status", seq=2, last_seq=5)))
    assert telling.gaps() == [("watch", 3, 5)]


def test_a_hub_s_numbers_run_over_its_children(account, telling):
    account(batch(row("motion", seq=1, device="kitchen", via="hub"), row("contact", seq=3, device="door", via="hub")))
    assert telling.gaps() == [("hub", 2, 2)]


def test_a_new_boot_counts_anew(account, telling):
    account(numbers(1, 2, 3, boot=1), numbers(1, 2, boot=2))
    assert telling.gaps() == []


def total(telling):
    return telling._connection.execute(query("counted_total"), {"home_prefix": "h-"}).fetchone()


def test_sent_is_stored_and_refused_and_missing(account, telling):
    account(numbers(1, 2, 5, 9), letters=[refused(3)])
    assert total(telling) == (4, 1, 4)
    assert sum(total(telling)) == 9


def test_numbers_beyond_counting_in_64_bits_are_not_needed_to_be_exact_about_the_rest(account, telling):
    account(numbers(2**62 - 1, 2**62))
    assert telling.gaps() == []


def test_a_device_that_loses_every_other_reading_keeps_its_count_but_not_an_endless_list(account, telling):
    odd = range(1, 6001, 2)
    account(numbers(*odd))
    before = total(telling)
    telling._connection.execute(query("settle_counts"), {"listed": LISTED_RUNS})
    assert len(telling.gaps()) == LISTED_RUNS
    assert total(telling) == before == (3000, 0, 2999)
    account(numbers(*range(6001, 6010)))
    assert total(telling) == (3009, 0, 3000)
