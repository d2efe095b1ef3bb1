"""The one job: every way of giving it says the same, and the figures are computed as they are named."""

import hashlib
import json
from pathlib import Path

import pytest

from bench import detection, peer
from bench.job import WARM_ROUNDS, Alarm, Job, closing_resident, compare, frames, job, rate, records
from bench.moving_average import DETECTOR, NAME
from contracts import detections
from contracts.frames import decode
from contracts.partitions import partition_of
from stream.battery import HARMLESS, run_case, run_story
from stream.detector import Case
from stream.offline import detect

PARTITIONS = 4


@pytest.mark.parametrize("case", DETECTOR.cases, ids=lambda case: case.name)
def test_the_bench_s_detector_says_what_its_cases_ask_however_it_is_given(case: Case) -> None:
    usual = run_case(NAME, DETECTOR, case)
    for change, how in HARMLESS.items():
        assert run_story(NAME, DETECTOR, case.story, **how) == usual, change


@pytest.fixture(scope="module")
def whole() -> Job:
    return job(6_000, PARTITIONS, warm=False)


@pytest.mark.parametrize("rows", [20, 100, 500])
def test_our_detector_on_frames_says_what_is_expected_of_the_readings(whole: Job, rows: int) -> None:
    told = detect(
        (("bulk", number, value) for number, part in enumerate(whole.parts) for value in frames(part, rows)),
        {NAME: DETECTOR},
    )
    said = [alarm for each in told if (alarm := detection.read_ours(detections.encode(each))) is not None]
    answers = compare(said, whole.wanted)
    assert answers.equal, answers
    assert answers.repeated == 0
    assert answers.expected > PARTITIONS, "there is more to be told of than the closing residents"


def test_peers_are_given_the_same_readings_in_the_same_order(whole: Job) -> None:
    for part in whole.parts:
        ours = [
            (home, at_s, bpm)
            for value in frames(part, 100)
            for batch in decode(value).batches.values()
            for home, at_s, bpm in zip(
                *(batch.column(name).to_pylist() for name in ("home_id", "event_at_s", "heart_rate_bpm")), strict=True
            )
        ]
        theirs = [
            (each["resident"], each["at_s"], each["bpm"]) for each in (json.loads(value) for _, value in records(part))
        ]
        assert theirs == ours


def test_every_reading_is_in_its_resident_s_partition_and_the_last_is_the_closing_one_s(whole: Job) -> None:
    for number, part in enumerate(whole.parts):
        assert {partition_of(resident, PARTITIONS) for resident in part.residents} == {number}
        assert part.residents[-1] == closing_resident(number, PARTITIONS)
        assert Alarm(part.residents[-1], part.at_s[-1]) in whole.wanted


def test_the_warm_part_is_how_the_whole_begins(whole: Job) -> None:
    warm = job(6_000, PARTITIONS, warm=True)
    assert whole.rows - warm.rows == 6_000
    for before, after in zip(warm.parts, whole.parts, strict=True):
        size = before.residents.index(before.residents[-1])
        assert size == len(set(before.residents[:size])) * WARM_ROUNDS
        assert after.residents[:size] == before.residents[:size]
        assert after.bpm[:size].tolist() == before.bpm[:size].tolist()


def test_what_is_said_is_compared_by_resident_and_instant() -> None:
    wanted = {Alarm("a", 1.0), Alarm("b", 2.0)}
    right = compare([Alarm("b", 2.0), Alarm("a", 1.0), Alarm("a", 1.0)], wanted)
    assert right.equal
    assert right.repeated == 1
    wrong = compare([Alarm("a", 1.0), Alarm("b", 3.0)], wanted)
    assert (wrong.equal, wrong.missing, wrong.unexpected, wrong.repeated) == (False, 1, 1, 0)
    assert detection.read_peer(b'{"resident":"a","at_s":1}') in wanted


def test_a_rate_is_of_what_the_whole_run_had_beyond_the_warm_one() -> None:
    assert rate(1_100, 6.0, 100, 1.0) == 200.0
    assert rate(1_100, 1.0, 100, 1.0) is None


def _figures(per_s: int | None, *, durable: bool = True, equal: bool = True) -> dict[str, object]:
    return {"readings_per_cpu_s": per_s, "durable": durable, "equal": equal}


def test_the_ratio_counts_durable_peers_with_right_answers_only() -> None:
    peers = {
        "slow": _figures(10_000),
        "best": _figures(50_000),
        "memory": _figures(150_000, durable=False),
        "wrong": _figures(90_000, equal=False),
        "lost in noise": _figures(None),
    }
    assert detection.ratio_to_best(_figures(400_000), peers) == ("best", 8.0)
    assert detection.ratio_to_best(_figures(400_000, equal=False), peers) == (None, None)
    assert detection.ratio_to_best(_figures(400_000), {"memory": peers["memory"]}) == (None, None)


def test_the_mix_is_a_city_s_partition_at_its_own_pace() -> None:
    homes = [number for number in range(800) if partition_of(detection.home_name("mix", number), PARTITIONS) < 2]
    rows = 3 * len(homes) * 2
    seen: set[tuple[str, str, int]] = set()
    for number in range(2):
        cards = 0
        for value in detection.mix_frames(homes, rows, number, PARTITIONS):
            frame = decode(value)
            for kind, batch in frame.batches.items():
                names = batch.column("home_id").to_pylist()
                assert {partition_of(name, PARTITIONS) for name in names} == {number}
                if kind == "card":
                    cards += len(names)
                    continue
                devices, seqs = batch.column("device_id").to_pylist(), batch.column("seq").to_pylist()
                seen.update(zip(names, devices, seqs, strict=True))
                times = batch.column("event_at_s").to_pylist()
                assert frame.meta.watched_until_s >= max(times)
                assert max(times) - min(times) <= detection.MIX_FRAME_S
        assert cards == sum(partition_of(detection.home_name("mix", home), PARTITIONS) == number for home in homes)
    assert len(seen) == rows, "each device says something once a minute"
    assert {seq for _, _, seq in seen} == {1, 2}


def test_jars_must_be_those_that_are_listed(tmp_path: Path) -> None:
    jars = tmp_path / "jars"
    jars.mkdir()
    (jars / "one.jar").write_bytes(b"one")
    listed = tmp_path / "SHA256SUMS"
    listed.write_text(f"{hashlib.sha256(b'one').hexdigest()}  one.jar\n")
    peer.check_sums(listed, jars, "somebody")
    (jars / "two.jar").write_bytes(b"two")
    with pytest.raises(peer.MissingPeer, match=r"two\.jar"):
        peer.check_sums(listed, jars, "somebody")


def test_an_environment_is_made_once_and_again_only_when_its_pins_change(tmp_path: Path) -> None:
    source, target, log = tmp_path / "source", tmp_path / "target", tmp_path / "log"
    source.mkdir()
    (source / "requirements.txt").write_text("one")
    made: list[Path] = []

    def make() -> None:
        peer.make_once("somebody", source, target, log, lambda _source, target, _log: made.append(target))

    make()
    make()
    assert len(made) == 1
    (source / "job.py").write_text("runs where it stands")
    make()
    assert len(made) == 1
    (source / "requirements.txt").write_text("two")
    make()
    assert len(made) == 2


def test_a_peer_that_cannot_be_made_is_missing_with_its_reason_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()

    def fail(*_: Path) -> None:
        raise OSError("no network")

    for _ in range(2):
        with pytest.raises(peer.MissingPeer, match="no network"):
            peer.make_once("somebody", tmp_path / "source", tmp_path / "target", tmp_path / "log", fail)


def test_every_peer_has_its_pins_and_one_source_file() -> None:
    for way in peer.WAYS:
        files = {path.name for path in (peer.FOLDER / way.peer).iterdir()}
        assert {"requirements.txt", "job.py"} <= files or {"pom.xml", "SHA256SUMS", "Job.java"} <= files, way
    assert peer.chosen(peer.WAYS, ["faust-dict", "quix"]) == [
        way for way in peer.WAYS if way.name in ("faust-dict", "quix-changelog")
    ]
    assert peer.chosen(peer.WAYS, ["none"]) == []
