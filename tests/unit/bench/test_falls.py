"""Fitting and judging falls: what is claimed of regression, operating point and disguise."""

from pathlib import Path

import numpy as np
import pytest

from bench import falls
from bench.falls import Trials
from cli._evaluate_falls import evaluate, outcomes
from cli.train import RECORDINGS
from stream.detector import Array, Floats, Ints
from stream.detectors import _fall_model as fall_model
from stream.detectors import fall_wearable


def labels(count: int, falling: int) -> dict[str, Array]:
    return {
        "subject": np.array([f"S{n % 2}" for n in range(count)]), "activity": np.array(["F01"] * falling + ["D01"] * (count - falling)),
        "is_fall": np.arange(count) < falling, "t0": np.full(count, np.nan), "t1": np.full(count, np.nan), "elder": np.zeros(count, bool),
    }  # fmt: skip


def test_sums_give_the_regression_that_the_rows_give() -> None:
    rng = np.random.default_rng(1)
    rows, weight = rng.normal(0.5, 0.2, (200, 5)), rng.uniform(0.5, 2.0, 200)
    label = (rows[:, 0] + 0.1 * rng.normal(size=200) > 0.5).astype(float)
    row = np.column_stack([np.ones(200), rows, label])
    weights, offset = falls.fit(((row * weight[:, None]).T @ row).astype(np.float32))
    mean, share = np.average(rows, axis=0, weights=weight), weight / weight.sum()
    moved = rows - mean
    expected = np.linalg.solve(
        (moved * share[:, None]).T @ moved + falls.RIDGE * np.eye(5),
        (moved * share[:, None]).T @ (label - (label * share).sum()),
    )
    assert weights == pytest.approx(expected, abs=1e-3)
    assert offset == pytest.approx((label * share).sum() - expected @ mean, abs=1e-3)


def test_a_feature_that_hardly_varies_gets_no_great_weight() -> None:
    rng = np.random.default_rng(1)
    rows = np.column_stack([rng.normal(0.5, 0.2, 100), np.full(100, 0.3) + 1e-5 * np.arange(100)])
    basis = falls.basis_of([rows.astype(np.float32)], rng)
    assert basis.deviation[1] == pytest.approx(falls.LEAST_DEVIATION)


def test_weights_on_components_say_the_same_of_features() -> None:
    rng = np.random.default_rng(2)
    rows = rng.normal(0.5, 0.2, (300, 8)).astype(np.float32)
    basis = falls.basis_of([rows[:100], rows[100:]], rng)
    fitted = rng.normal(size=8)
    weights, offset = basis.weights(fitted, 0.3)
    assert rows @ weights + offset == pytest.approx(basis.reduced(rows) @ fitted + 0.3, abs=1e-4)
    assert basis.parts.T @ basis.parts == pytest.approx(np.eye(8), abs=1e-5)


def test_the_point_lies_where_missed_falls_have_grown_to_the_share_that_was_chosen() -> None:
    likeness = np.concatenate([np.linspace(0.4, 1.4, 101), np.linspace(-0.4, 0.6, 101)])
    fall = np.arange(202) < 101
    at, sure = falls.point([(likeness, fall)], 1.5)
    missed, wrong = (likeness[fall] < at).mean(), (likeness[~fall] >= at).mean()
    assert missed == pytest.approx(1.5 * wrong, abs=0.02)
    assert sure == pytest.approx(np.quantile(likeness[~fall], falls.SURE_SPECIFICITY))
    assert falls.point([(likeness, fall), (likeness, fall)], 1.5) == (at, sure)
    assert falls.point([(likeness, fall)], 1.0)[0] < at


def test_area_is_the_share_of_pairs_in_order() -> None:
    likeness, fall = np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])
    assert falls.area(likeness, fall) == pytest.approx((1 + 1 + 0.5 + 1) / 4)


def test_another_sensor_has_its_rate_and_its_rails_and_any_mounting() -> None:
    data = Trials("t", 50.0, [np.full((500, 3), 3000, np.int16)] * 2, labels(2, 1))
    low = falls.through(data, 20.0, 2.0)
    assert (low.rate_hz, low.acc[0].shape, int(low.acc[0].max())) == (20.0, (200, 3), 2000)
    turned = falls.through(data, 50.0, 16.0, np.random.default_rng(3))
    size = np.linalg.norm(turned.acc[0].astype(float), axis=1).mean()
    assert size == pytest.approx(3000 * 3**0.5, rel=0.08)
    assert not np.allclose(turned.acc[0], data.acc[0], atol=200)


def made() -> Trials:
    """Two subjects: one hits something and then falls, one claps; neither at rest for long."""
    rng = np.random.default_rng(4)
    quiet = np.tile([0, -1000, 50], (900, 1)) + rng.normal(0, 40, (900, 3))
    blow = quiet.copy()
    blow[450:460, 0] += 4000  # s 9.0
    blow[150:155, 0] += 1500  # s 3.0: an impact before the fall
    clap = quiet.copy()
    clap[300:305, 1] -= 2000
    return Trials("t", 50.0, [part.astype(np.int16) for part in (blow, clap)], labels(2, 1))


def test_what_the_detector_sees_is_labelled_by_the_impact() -> None:
    seen = falls.seen(made())
    told = sorted(zip(seen.trial.tolist(), seen.label.tolist(), strict=True))
    assert told == [(0, -1), (0, 1), (1, 0)]
    assert seen.windows.shape[1:] == (fall_model.LENGTH, fall_model.FIELDS)


@pytest.mark.parametrize(("rate_hz", "range_g"), [(50.0, 16.0), (20.0, 2.0), (200.0, 8.0), (31.7, 4.0)])
def test_a_model_learns_from_the_windows_that_the_detector_judges(
    tmp_path: Path, rate_hz: float, range_g: float
) -> None:
    data = falls.through(made(), rate_hz, range_g)
    told: list[tuple[Array, Ints, Ints]] = []

    def judge(windows: Array, home: Ints, impact: Ints) -> Floats:
        told.append((windows, home, impact))
        return np.full(len(windows), -np.inf)

    detector = fall_wearable.detector(fall_wearable.Point(judge, 0.0, 0.0))
    outcomes(falls.write(tmp_path / "t.npz", data), {"fall_wearable": detector})
    windows, home, impact = (np.concatenate(parts) for parts in zip(*told, strict=True))
    heard = windows[np.lexsort((impact, home))]
    learned = falls.seen(data)
    assert learned.trial.tolist() == sorted(home.tolist())
    # Blocks tell their beginning in whole milliseconds: where that is not exact, a sample at the edge of a bin may fall into the next.
    assert (np.abs(heard - learned.windows) > 2e-3).mean() <= (0.0 if rate_hz in (20.0, 50.0, 200.0) else 0.03)


def test_each_home_is_judged_by_its_own_model() -> None:
    windows = np.random.default_rng(1).normal(0.0, 1.0, (4, fall_model.LENGTH, fall_model.FIELDS)).astype(np.float32)
    windows[:, :, 3] = 1.0
    both = [fall_model.load("wrist"), fall_model.load("waist")]
    told = falls.judging(both).judge(windows, np.array([0, 1, 1, 0]), np.zeros(4, np.int64))
    alone = [fall_model.likeness(both[which], windows[n : n + 1])[0] for n, which in enumerate((0, 1, 1, 0))]
    wanted = [each - both[which].fall for each, which in zip(alone, (0, 1, 1, 0), strict=True)]
    assert told == pytest.approx(wanted, rel=1e-6)


def test_recordings_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(falls.NoRecordings, match=r"weda_wrist\.npz"):
        falls.prepared(tmp_path, 1, 0.0)


@pytest.mark.skipif(not (RECORDINGS / falls.NEGATIVES).is_file(), reason=f"the recordings are not in {RECORDINGS}")
def test_sitting_walking_and_turning_with_a_watch_it_was_never_trained_on_raises_no_alarm() -> None:
    told = evaluate(RECORDINGS / falls.NEGATIVES)
    assert (told["activities"], told["false_activities"]) == (223, 0)
