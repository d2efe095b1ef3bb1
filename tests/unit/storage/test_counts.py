"""What the writer accounts for: runs of numbers, devices seen, hours to roll up."""

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.dead_letters import DeadLetter
from contracts.kinds import UNRESOLVED
from storage.counts import LATE_HOMES, Counts
from tests.unit.storage.rows import T0, batch, row

HOUR_S = T0 // 3600 * 3600


def counted(*batches):
    counts = Counts()
    for each in batches:
        counts.add(each.tables)
    return counts


def runs_of(counts):
    found = counts.runs()
    keys = zip(found["home_ids"], found["device_ids"], found["boots"], strict=True)
    return sorted(zip(keys, found["from_seqs"], found["to_seqs"], strict=True))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1), st.integers(1, 5))
def test_runs_hold_exactly_the_numbers_that_came_however_they_were_cut(numbers, size):
    parts = [numbers[i : i + size] for i in range(0, len(numbers), size)]
    counts = counted(*[batch(*[row(seq=n) for n in part]) for part in parts])
    covered = [n for _, first, last in runs_of(counts) for n in range(first, last + 1)]
    assert covered == sorted(set(numbers))


def test_a_hub_counts_for_its_children():
    counts = counted(
        batch(row("motion", seq=1, device="kitchen", via="hub"), row("contact", seq=2, device="door", via="hub"))
    )
    assert runs_of(counts) == [(("h-1", "hub", 1), 1, 2)]


def test_boots_and_devices_count_apart():
    counts = counted(batch(row(seq=1), row(seq=2, boot=2), row(seq=3, device="bed"), row(seq=4, home="h-2")))
    assert len(runs_of(counts)) == 4


def test_a_device_that_counts_nothing_has_no_runs_but_is_seen():
    counts = counted(batch(row("motion", seq=987654321, boot=-1)))
    assert runs_of(counts) == []
    assert counts.seen()["device_ids"] == ["watch"]


def test_first_and_last_sign_and_the_hub_through_its_child():
    counts = counted(
        batch(row("motion", seq=1, device="kitchen", via="hub", at_s=T0)),
        batch(row("motion", seq=2, device="kitchen", via="hub", at_s=T0 + 60)),
    )
    seen = counts.seen()
    by_device = dict(zip(seen["device_ids"], zip(seen["first_at_s"], seen["last_at_s"], strict=True), strict=True))
    assert by_device == {"kitchen": (T0 + 0.1, T0 + 60.1), "hub": (T0 + 0.1, T0 + 60.1)}
    assert set(seen["sources"]) == {"main"}


def test_the_last_will_is_no_sign_of_the_device():
    counts = counted(batch(row("status", seq=5, online=False)))
    assert counts.seen()["device_ids"] == []


def test_a_status_tells_the_highest_number_sent():
    counts = counted(batch(row("status", seq=5, last_seq=9), row("status", seq=6, last_seq=7), row("status", seq=7)))
    assert counts.told()["seqs"] == [9]


def test_a_refused_number_is_remembered_only_with_its_account_and_boot():
    counts = Counts()
    known = {"at_s": T0, "stage": "ingest", "source": "main", "topic": "t", "reason": "out_of_range", "detail": ""}
    counts.add({}, [
        DeadLetter(account="h-1.watch", boot=1, seq=4, **known), DeadLetter(account="h-1.watch", **known), DeadLetter(account="", boot=1, seq=5, **known),
    ])  # fmt: skip
    assert counts.refused() == {"home_ids": ["h-1"], "device_ids": ["watch"], "boots": [1], "seqs": [4]}


def marks_of(counts):
    found = counts.marks()
    return set(zip(found["kinds"], found["home_ids"], found["hour_at_s"], strict=True))


def test_rows_of_now_mark_the_hour_of_all_homes():
    assert marks_of(counted(batch(row(seq=1), row(seq=2, home="h-2")))) == {("vitals", "", HOUR_S)}


def test_a_late_row_marks_its_own_home_s_hour():
    assert marks_of(counted(batch(row(seq=1, received_at_s=T0 + 36_000)))) == {("vitals", "h-1", HOUR_S)}


def test_very_many_late_homes_are_one_mark():
    rows = [row(seq=1, home=f"h-{i}", received_at_s=T0 + 36_000) for i in range(LATE_HOMES + 1)]
    assert marks_of(counted(batch(*rows))) == {("vitals", "", HOUR_S)}


def test_an_unresolved_time_and_a_kind_without_roll_up_mark_nothing():
    counts = counted(batch(row(seq=1, clock=UNRESOLVED), row("call", seq=2)))
    assert marks_of(counts) == set()


def test_nothing_counted_is_nothing_to_merge():
    counts = Counts()
    assert all(
        not next(iter(columns.values()))
        for columns in (counts.runs(), counts.seen(), counts.told(), counts.refused(), counts.marks())
    )
