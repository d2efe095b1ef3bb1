"""The model of falls: what it sees does not depend on mounting or on what is judged beside it."""

from dataclasses import replace
from random import Random

import msgspec
import numpy as np
import pytest

from contracts.kinds import WORN, Card
from simulators.waveforms import RANGE_G, RATE_HZ, as_int16, fall
from stream.battery import run_story
from stream.detector import Array, Story
from stream.detectors import _fall_model as fall_model
from stream.detectors import fall_wearable
from stream.detectors._motion_bins import PER_S, WIDTH, Ring
from stream.detectors.fall_wearable import SIDE, Point, detector, still, windows_at


def windows(count: int, seed: int = 1) -> Array:
    rng = np.random.default_rng(seed)
    mean = np.array([0.0, -1.0, 0.1]) + rng.normal(0.0, 0.3, (count, fall_model.LENGTH, 3))
    top = np.linalg.norm(mean, axis=2, keepdims=True) + np.sqrt(rng.exponential(0.05, (count, fall_model.LENGTH, 1)))
    return np.concatenate([mean, top], axis=2).astype(np.float32)


def test_channels_are_the_same_however_the_wearable_is_mounted() -> None:
    seen = windows(20)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    turned = seen.copy()
    turned[:, :, :3] = seen[:, :, :3] @ turn
    assert fall_model.channels(turned) == pytest.approx(fall_model.channels(seen), abs=1e-4)


def test_a_likeness_does_not_depend_on_what_is_judged_beside_it() -> None:
    model, seen = fall_model.load(), windows(fall_model.CHUNK + 7)
    together = fall_model.likeness(model, seen)
    assert [float(fall_model.likeness(model, seen[n : n + 1])[0]) for n in range(len(seen))] == list(together)


@pytest.mark.parametrize("position", fall_model.POSITIONS)
def test_the_file_holds_a_small_model_for_every_position(position: str) -> None:
    model = fall_model.load(position)
    assert model.weights.shape == (fall_model.FEATURES,)
    assert np.isfinite(model.weights).all()
    assert np.isfinite(model.biases).all()
    assert model.fall <= model.sure
    assert fall_model.FILE.stat().st_size < 2_000_000


def test_an_empty_bin_is_filled_by_the_one_before_it_and_the_first_ones_by_the_first_that_is_not() -> None:
    column = np.array([WIDTH - 10])  # the last bins of the window have not come yet
    n = np.zeros((1, WIDTH), np.float32)
    n[0, [WIDTH - 40, WIDTH - 10, WIDTH - 8]] = 5
    values = np.arange(WIDTH, dtype=np.float32)[None, :]
    (seen,) = windows_at(Ring(n, values, values, values, values, values), column)
    first, impact, last = WIDTH - 40.0, WIDTH - 10.0, WIDTH - 8.0
    back = fall_model.BACK
    assert seen[: back - 29, 0].tolist() == [first] * (back - 29)
    assert seen[back - 1, 0] == first
    assert seen[back : back + 2, 0].tolist() == [impact] * 2
    assert seen[back + 2 :, 3].tolist() == [last] * (fall_model.AHEAD - 1)


def made(seed: int) -> Story:
    """A fall as the simulator makes them: after those that were acted with a watch at the wrist."""
    g = fall(Random(seed))[:, :3]
    block = {"rate_hz": float(RATE_HZ), "range_g": RANGE_G, "triggered": True, "samples": as_int16(g)}
    begins_s = 100.0
    return Story(
        [(begins_s, "watch-1", "inertial", block)], 160.0, fall_wearable.CARD, late={0: begins_s + len(g) / RATE_HZ}
    )


@pytest.mark.parametrize("worn", WORN)
def test_the_card_says_which_model_judges(worn: str) -> None:
    card = msgspec.structs.replace(fall_wearable.CARD, device_worn=(worn, "") if worn else ())
    stories = [replace(story, card=card) for story in (fall_wearable.CASES[0].story, made(1), made(2))]
    alone = fall_wearable.detector(fall_wearable.of_model(fall_model.load(fall_model.POSITIONS[WORN.index(worn)])))
    said, wanted = (
        [[(each.score, each.evidence) for each in run_story("fall_wearable", detector, story)] for story in stories]
        for detector in (fall_wearable.DETECTOR, alone)
    )
    assert said == wanted
    assert any(said)


def test_the_models_of_the_positions_do_not_say_the_same() -> None:
    seen = windows(5)
    said = [fall_model.likeness(fall_model.load(position), seen) for position in fall_model.POSITIONS]
    assert all(np.abs(said[n] - said[n - 1]).max() > 0.01 for n in range(3))


def test_a_wearable_that_takes_the_ring_of_another_begins_with_nothing_in_it() -> None:
    judged: list[Array] = []

    def judge(windows: Array, home: object, impact: object) -> Array:
        judged.append(windows)
        return np.full(len(windows), -np.inf)

    card = card_of("watch-1", "watch-2", "watch-3")
    walks = fall_wearable.worn(fall_wearable.still(4, fall_wearable.SIDE, shake_g=0.4))
    others = fall_wearable.worn(fall_wearable.still(4), device="watch-2", begins_s=101.0)
    third = fall_wearable.worn(fall_wearable.tumble(5.0), fall_wearable.still(4), device="watch-3", begins_s=104.0)
    story = Story([(at_s, device, kind, {k: v for k, v in values.items() if k != "t"}) for at_s, device, kind, values in
                   sorted([*walks, *others, *third], key=lambda row: row[0])], 120.0, card)  # fmt: skip
    run_story("fall_wearable", fall_wearable.detector(fall_wearable.Point(judge, 0.0, 0.0)), story)
    alone = Story(
        [(at_s, device, kind, {k: v for k, v in values.items() if k != "t"}) for at_s, device, kind, values in third],
        120.0,
        card,
    )
    taken = list(judged)
    judged.clear()
    run_story("fall_wearable", fall_wearable.detector(fall_wearable.Point(judge, 0.0, 0.0)), alone)
    assert len(taken) == len(judged) == 1
    assert (taken[0] == judged[0]).all()


@pytest.mark.parametrize("block_s", [0.5, 1.0, 3.0, 20.0])
def test_which_of_two_like_peaks_is_judged_does_not_depend_on_where_blocks_end(block_s: float) -> None:
    judged: list[float] = []

    def judge(windows: Array, home: object, impact: Array) -> Array:
        judged.extend((impact / PER_S).tolist())
        return np.full(len(windows), -np.inf)

    g = fall_wearable.still(12)
    g[250], g[350] = (4.0470, 0.0, 0.0), (4.0480, 0.0, 0.0)  # s 5.0 and 7.0; half precision has 4.047 for both
    rows = fall_wearable.worn(g, block_s=block_s)
    told = [(at_s, device, kind, {k: v for k, v in values.items() if k != "t"}) for at_s, device, kind, values in rows]
    story = Story(told, 130.0, fall_wearable.CARD)
    run_story("fall_wearable", fall_wearable.detector(fall_wearable.Point(judge, 0.0, 0.0)), story)
    assert len(judged) == 2  # the second is not higher than the first, and sees but one second back


def card_of(*devices: str) -> Card:
    count = len(devices)
    return Card(version=1, residents=("r-1",), device_ids=devices, device_roles=("wearable",) * count,
                device_rooms=("other",) * count, device_residents=("r-1",) * count)  # fmt: skip


def test_a_sensor_that_stands_at_its_rails_for_longer_than_in_any_known_fall_is_unclear() -> None:
    certain = Point(lambda windows, _home, _impact: np.ones(len(windows)), 0.5, 0.9)

    def told(loud_s: float) -> tuple[str, int]:
        shaken = still(loud_s, SIDE, shake_g=30.0, beat_hz=7.0)
        story = fall_wearable._told(fall_wearable.worn(still(5), shaken, still(6, SIDE), range_g=2.0))
        (first, *_) = [each for each in run_story("fall_wearable", detector(certain), story) if each.on]
        return str(first.evidence.get("why", "")), first.score

    assert told(0.6) == ("", 2)
    assert told(2.0) == ("saturated", 1)
