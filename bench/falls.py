"""How well falls are told from activities: leave one subject out, whole trials through the detector's own stream input.

    ./shouwang bench falls [--set weda|sisfall] [--json]

For every subject a model is fitted on all others of the set (``known`` position), and another on all others of both sets (``unknown``), each with its
operating point chosen on those training subjects only. All trials of a set then go as messages through frames and engine to the detector, where each home is
judged by the models that do not know its subject. Carried figures: a model of one set alone judges the other. ``train`` fits what ships.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec
import numpy as np

from cli import _evaluate_falls as judged
from cli._evaluate_falls import Outcome, evaluate
from contracts.errors import ShouwangError
from contracts.kinds import Card
from contracts.names import AREA_REPLAY, topic_of
from ingest.offline import frames_of
from stream.detector import Array, Bools, Floats, Ints
from stream.detectors import _fall_model as fall_model
from stream.detectors import _motion_bins as motion
from stream.detectors import fall_wearable
from stream.engine import Engine
from stream.registry import discover

SETS = {"weda": "weda_wrist.npz", "sisfall": "sisfall_waist.npz"}
WORN = {"weda": "wrist", "sisfall": "waist"}
DETECTOR = "fall_wearable"
NEGATIVES = "geotec_watch_adl.npz"
RIDGE = 0.1
"""Penalty of the regression, of the features' variance. Chosen on WEDA among 0.1, 3 and 30 (before that 0.01, 0.03, 0.1, 0.3)."""
LEAST_DEVIATION = 0.02
"""Features vary by so much or are scaled as if they did (shares, 0 to 1). Chosen: one bin of a window is 0.011."""
PARTS = 1_000
"""Principal components of the features in which the regression is fitted. Chosen: what varies less is shrunk to nothing by RIDGE in any case."""
PARTS_WINDOWS = 4_000
"""Windows of each set, at most, from which the components are taken."""
MISSED = {"any": 1.5, "wrist": 1.5, "waist": 1.0}
"""The operating point: where the share of falls that are missed is so many times that of activities that are wrong. It is the proportion that is asked for
(97 / 98 % at the wrist, 99.5 / 99.5 % at the waist), not one that was read off any figure."""
SURE_SPECIFICITY = 0.995
"""``sure``: this share of the training subjects' activities lies below it."""
INNER = 5
"""Divisions of the training subjects to choose the operating point."""
BIAS_WINDOWS = 400
"""Windows of each set from which biases are drawn."""
DISGUISES = 2
"""Times that every training subject's trials are also seen through another sensor."""
DISGUISED = 0.3
"""Weight of what is seen so, against as recorded. Chosen: the sensor at hand counts most."""


class NoRecordings(ShouwangError):
    """The recordings {names} are not in {folder}. Name their folder with --data."""


class Trials(NamedTuple):
    """One file: acceleration of each trial in milli-g ``[samples, 3]``, and its labels by trial."""

    name: str
    rate_hz: float
    acc: list[Array]
    labels: Mapping[str, Array]

    def part(self, chosen: Array) -> "Trials":
        """Some of the trials, by number."""
        return Trials(
            self.name, self.rate_hz, [self.acc[n] for n in chosen], {k: v[chosen] for k, v in self.labels.items()}
        )


class Seen(NamedTuple):
    """Windows that the detector judged: what it saw, of which trial, and whether that was a fall's impact (1), an activity (0) or neither (-1)."""

    windows: Array
    trial: Ints
    label: Ints


def read(path: Path) -> Trials:
    """A file of trials. Rotation is left out: the detector does not use it."""
    with np.load(path, allow_pickle=False) as file:
        labels = {name: file[name] for name in ("subject", "activity", "is_fall", "t0", "t1", "elder")}
        return Trials(path.stem, float(file["fs"]), np.split(file["acc"], file["off"][1:-1]), labels)


def write(path: Path, data: Trials) -> Path:
    """The trials as a file that ``open_recording`` and ``evaluate`` read."""
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in data.acc])])
    np.savez(path, acc=np.concatenate(data.acc), off=offsets, fs=np.float64(data.rate_hz), **data.labels)  # type: ignore[arg-type]
    return path


def through(data: Trials, rate_hz: float, range_g: float, rng: np.random.Generator | None = None) -> Trials:
    """The trials as another sensor would give them: its rate and range, and with ``rng`` any mounting, noise, offset and gain."""
    turn, gain, offset, noise = np.eye(3), 1.0, np.zeros(3), 0.0
    if rng is not None:
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        gain, offset, noise = rng.uniform(0.95, 1.05), rng.normal(0.0, 15.0, 3), rng.uniform(0.0, 25.0)
    limit = min(range_g * 1000.0, 32_767.0)
    found = []
    for acc in data.acc:
        at_s = np.arange(int(len(acc) / data.rate_hz * rate_hz)) / rate_hz
        own_s = np.arange(len(acc)) / data.rate_hz
        part = np.stack([np.interp(at_s, own_s, acc[:, axis]) for axis in range(3)], axis=1) @ turn * gain + offset
        if rng is not None:
            part += rng.normal(0.0, noise, part.shape)
        found.append(np.clip(np.rint(part), -limit, limit).astype(np.int16))
    return Trials(data.name, rate_hz, found, data.labels)


def disguised(data: Trials, rng: np.random.Generator) -> Iterator[tuple[Trials, Array]]:
    """Every subject through a sensor of its own, with the numbers of its trials."""
    for subject in np.unique(data.labels["subject"]):
        chosen = np.flatnonzero(data.labels["subject"] == subject)
        yield (
            through(data.part(chosen), rng.uniform(20.0, 50.0), float(rng.choice([2.0, 2.0, 4.0, 8.0, 16.0])), rng),
            chosen,
        )


def seen(data: Trials) -> Seen:
    """What the detector judges in these trials (a test holds it against the detector's own windows): the same bins, impacts and windows, without
    messages, frames and state, which would take ten times as long."""
    least_g = fall_wearable.Params().impact_g
    early, late, room = motion.PER_S, motion.AFTER, motion.BEFORE + motion.AFTER
    windows, trial, label = [], [], []
    for number, acc in enumerate(data.acc):
        at_s = np.arange(len(acc)) / data.rate_hz
        bins = motion.of_samples(np.zeros(len(acc), np.int64), at_s, acc / 1000.0)
        if not len(bins.row):
            continue
        # One long ring, with room on either side: impacts are found and windows taken where the detector does it.
        ring = motion.Ring(
            *(np.zeros((1, int(bins.number[-1]) + 1 + 2 * room), np.float32) for _ in motion.Ring._fields)
        )
        for part, values in zip(ring, (bins.n, *bins.mean.T, bins.variance, bins.top), strict=True):
            part[0, bins.number + room] = values.astype(np.float16)
        top = ring.top[0]
        columns = np.flatnonzero(top >= least_g)
        peaks = [at for at in columns if int(top[at - early : at + late + 1].argmax()) == early]
        if not peaks:
            continue
        column = np.array(peaks)
        windows.append(
            fall_wearable.windows_at(motion.Ring(*(part.repeat(len(column), axis=0) for part in ring)), column)
        )
        fall_s = _impact_s(data, number)
        after_s = (column - room) / motion.PER_S - fall_s
        trial.append(np.full(len(column), number))
        label.append(
            np.zeros(len(column), int) if np.isnan(fall_s) else np.where((after_s >= -1) & (after_s <= 2), 1, -1)
        )
    return Seen(np.concatenate(windows), np.concatenate(trial), np.concatenate(label))


def _impact_s(data: Trials, number: int) -> float:
    """When the impact of a fall was, s from the trial's beginning; NaN for an activity."""
    if not data.labels["is_fall"][number]:
        return float("nan")
    return judged.impact_s(
        data.acc[number], data.rate_hz, float(data.labels["t0"][number]), float(data.labels["t1"][number])
    )


def biases_of(many: Sequence[Array], rng: np.random.Generator) -> Array:
    """Values of every convolution at random windows and places, BIASES of each, drawn from windows of each set. No label is looked at."""
    windows = np.concatenate([each[rng.permutation(len(each))[:BIAS_WINDOWS]] for each in many])
    shown, kernels = fall_model.channels(windows), len(fall_model.KERNELS)
    found = np.empty((len(fall_model.DILATIONS), fall_model.CHANNELS, kernels, fall_model.BIASES), np.float32)
    for place, dilation in enumerate(fall_model.DILATIONS):
        result = fall_model.convolved(shown[rng.permutation(len(shown))[:64]], dilation)
        for kernel in range(kernels):
            flat = result[:, :, kernel].transpose(1, 0, 2).reshape(fall_model.CHANNELS, -1)
            found[place, :, kernel] = np.quantile(flat, rng.random(fall_model.BIASES), axis=1).T
    return found


class Basis(NamedTuple):
    """Principal components of the features, as they vary over windows of all sets. No label is looked at."""

    mean: Array
    deviation: Array
    parts: Array
    """``[FEATURES, PARTS]``."""

    def reduced(self, features: Array) -> Array:
        """Features ``[windows, FEATURES]`` as components."""
        return np.asarray(((features - self.mean) / self.deviation) @ self.parts)

    def weights(self, fitted: Floats, offset: float) -> tuple[Floats, float]:
        """Weights on components as weights ``[FEATURES]`` on features, and the offset."""
        weights = (self.parts.astype(np.float64) @ fitted) / self.deviation
        return weights, offset - float(weights @ self.mean)


def basis_of(many: Sequence[Array], rng: np.random.Generator) -> Basis:
    """The components of features of some sets, which weigh the same."""
    rows = [each[rng.permutation(len(each))[:PARTS_WINDOWS]] for each in many]
    mean = np.mean([each.mean(axis=0) for each in rows], axis=0)
    square = np.mean([(each * each).mean(axis=0) for each in rows], axis=0)
    # A share that hardly varies says nothing of others.
    deviation = np.maximum(np.sqrt(np.maximum(square - mean * mean, 0.0)), LEAST_DEVIATION)
    shown = np.concatenate([(each - mean) / deviation / np.float32(len(each)) ** 0.5 for each in rows])
    spread = shown.T @ shown
    found = np.linalg.qr(rng.normal(size=(len(mean), min(PARTS, len(mean)))).astype(np.float32))[0]
    for _ in range(3):
        found = np.linalg.qr(spread @ found)[0]
    return Basis(mean.astype(np.float32), deviation.astype(np.float32), found)


class Prepared(NamedTuple):
    """A set ready for fitting without any of its subjects."""

    data: Trials
    names: list[str]
    subject: Ints
    """Of each trial, an index into ``names``."""
    seen: Seen
    """As recorded."""
    reduced: Array
    sums: Array
    """``[subjects, parts + 2, parts + 2]``: weighted products of (1, components, label) over the windows as recorded and disguised."""
    total: Array
    """Of all subjects."""


def shown_of(data: Trials, rng: np.random.Generator) -> list[Seen]:
    """A set as recorded, and through DISGUISES other sensors."""
    shown = [seen(data)]
    for _ in range(DISGUISES):
        parts = [(seen(part), chosen) for part, chosen in disguised(data, rng)]
        shown.append(Seen(
            np.concatenate([one.windows for one, _ in parts]), np.concatenate([chosen[one.trial] for one, chosen in parts]),
            np.concatenate([one.label for one, _ in parts]),
        ))  # fmt: skip
    return shown


def prepare(data: Trials, shown: Sequence[Seen], reduced: Array) -> Prepared:
    """Sums of a set, from the components of all its windows. Falls and activities weigh the same in all."""
    names, subject = np.unique(data.labels["subject"], return_inverse=True)
    trial, label = np.concatenate([each.trial for each in shown]), np.concatenate([each.label for each in shown])
    share = {1: 0.5 / (label == 1).sum(), 0: 0.5 / (label == 0).sum(), -1: 0.0}
    weight = np.array([share[int(each)] for each in label], dtype=np.float32)
    first = len(shown[0].label)
    weight[first:] *= DISGUISED
    sums = np.zeros((len(names), reduced.shape[1] + 2, reduced.shape[1] + 2), dtype=np.float32)
    for place in range(len(names)):
        mine = (subject[trial] == place) & (label >= 0)
        row = np.column_stack([np.ones(mine.sum(), np.float32), reduced[mine], (label[mine] == 1).astype(np.float32)])
        sums[place] = (row * weight[mine, None]).T @ row
    return Prepared(data, [str(name) for name in names], subject, shown[0], reduced[:first], sums, sums.sum(axis=0))


def fit(sums: Array) -> tuple[Floats, float]:
    """Ridge regression from sums: weights and offset."""
    total = float(sums[0, 0])
    mean, label = sums[0, 1:-1].astype(np.float64) / total, float(sums[0, -1]) / total
    spread = sums[1:-1, 1:-1] / total - np.outer(mean, mean)
    spread[np.diag_indices_from(spread)] += RIDGE
    weights = np.linalg.solve(spread, sums[1:-1, -1] / total - mean * label)
    return weights.astype(np.float64), label - float(weights @ mean)


def of_trials(prepared: Prepared, likeness: Floats) -> Floats:
    """The largest likeness of each trial's windows that are a fall's impact or an activity's; -inf where there is none."""
    found = np.full(len(prepared.data.acc), -np.inf)
    counts = prepared.seen.label >= 0
    np.maximum.at(found, prepared.seen.trial[counts], likeness[counts])
    return found


def point(many: Sequence[tuple[Floats, Bools]], ratio: float) -> tuple[float, float]:
    """The likenesses of ``fall`` and ``sure`` for trials (their likeness, whether they are falls) of some sets that weigh the same: ``fall`` is
    where the share of missed falls has grown to ``ratio`` times that of wrong activities."""
    places = np.unique(np.concatenate([likeness[np.isfinite(likeness)] for likeness, _ in many]))
    missed, wrong = np.zeros(len(places)), np.zeros(len(places))
    for likeness, fall in many:
        missed += np.searchsorted(np.sort(likeness[fall]), places, "left") / fall.sum()
        wrong += 1 - np.searchsorted(np.sort(likeness[~fall]), places, "left") / (~fall).sum()
    first = float(places[int(np.argmax(missed >= ratio * wrong))])
    return first, max(first, *(float(np.quantile(likeness[~fall], SURE_SPECIFICITY)) for likeness, fall in many))


def _sums(many: Sequence[Prepared], without: Mapping[int, Sequence[int]]) -> Array:
    """Of all sets, without some subjects (by set)."""
    whole = np.sum([each.total for each in many], axis=0)
    for n, places in without.items():
        for place in places:
            whole -= many[n].sums[place]
    return np.asarray(whole)


def left_out(many: Sequence[Prepared], without: Mapping[int, Sequence[int]], parts: int) -> list[Floats]:
    """Likeness of each set's trials by models that know none of the trial's subject, nor of those in ``without``, in ``parts`` divisions of
    the subjects; NaN for trials of those."""
    found = [np.full(len(each.data.acc), np.nan) for each in many]
    rest = [
        (n, place) for n, each in enumerate(many) for place in range(len(each.names)) if place not in without.get(n, ())
    ]
    for part in range(parts):
        tested = rest[part::parts]
        weights, offset = fit(
            _sums(many, {n: [*without.get(n, ()), *(place for m, place in tested if m == n)] for n in range(len(many))})
        )
        for n, each in enumerate(many):
            mine = np.isin(each.subject, [place for m, place in tested if m == n])
            found[n][mine] = of_trials(each, each.reduced @ weights + offset)[mine]
    return found


class Fitted(NamedTuple):
    """A model on components."""

    weights: Floats
    offset: float
    fall: float
    sure: float


def model_of(many: Sequence[Prepared], position: str, without: Mapping[int, Sequence[int]], parts: int) -> Fitted:
    """A model of these sets without some subjects, its point chosen on the others, left out in ``parts`` divisions."""
    known = [
        (each.data.labels["is_fall"].astype(bool), likeness)
        for each, likeness in zip(many, left_out(many, without, parts), strict=True)
    ]
    fall, sure = point(
        [(likeness[~np.isnan(likeness)], is_fall[~np.isnan(likeness)]) for is_fall, likeness in known],
        MISSED[position],
    )
    return Fitted(*fit(_sums(many, without)), fall, sure)


def shipped(fitted: Fitted, basis: Basis, biases: Array) -> fall_model.Model:
    """The model in the form that ships."""
    return fall_model.Model(biases, *basis.weights(fitted.weights, fitted.offset), fitted.fall, fitted.sure)


def area(likeness: Floats, fall: Bools) -> float:
    """Area under the curve: how often a fall is more like one than an activity is."""
    order = np.sort(likeness[~fall])
    below = (np.searchsorted(order, likeness[fall], "left") + np.searchsorted(order, likeness[fall], "right")) / 2
    return float(below.mean() / len(order))


def judging(models: Sequence[fall_model.Model]) -> fall_wearable.Point:
    """The detector's point where each home has a model of its own; likeness is told above that model's ``fall``, and how sure it is makes no difference."""
    weights = np.stack([each.weights for each in models])
    above = np.array([each.offset - each.fall for each in models])

    def judge(windows: Array, home: Ints, impact: Ints) -> Floats:
        return np.asarray((fall_model.features(windows, models[0].biases) * weights[home]).sum(axis=1) + above[home])

    return fall_wearable.Point(judge, 0.0, 0.0)


def through_the_stream(data: Trials, models: Mapping[str, Sequence[fall_model.Model]]) -> dict[str, list[Outcome]]:
    """All trials of a set through messages, frames and engine to the detector, each home judged by models that do not know its subject."""
    detectors = {name: fall_wearable.detector(judging(each)) for name, each in models.items()}
    with TemporaryDirectory(prefix="shouwang-falls-") as scratch:
        return judged.outcomes(write(Path(scratch) / f"{data.name}.npz", data), detectors)


def figures(many: Sequence[Outcome], elders: Bools, rng: np.random.Generator) -> dict[str, Any]:
    """Shares over all trials, ``elders`` says of which old people are; 95 % intervals from drawing subjects anew, with replacement, 2,000 times."""
    by_subject: dict[str, Counter[str]] = {}
    for each in many:
        count = by_subject.setdefault(each.subject, Counter())
        count["falls" if each.fall else "activities"] += 1
        count["detected" if each.fall else "wrong"] += each.said
    names = ("falls", "detected", "activities", "wrong")
    table = np.array([[count[name] for name in names] for count in by_subject.values()], dtype=float)
    falls, detected, activities, wrong = table[rng.integers(0, len(table), (2000, len(table)))].sum(axis=1).T
    old = [each for each in many if elders[each.number] and not each.fall]
    return {
        "subjects": len(by_subject), **judged.figures(many), "sensitivity_95": _interval(detected, falls),
        "specificity_95": _interval(activities - wrong, activities), "elders_activities": len(old),
        "elders_specificity": _share(sum(not each.said for each in old), len(old)),
    }  # fmt: skip


def _share(part: float, whole: float) -> float | None:
    return round(float(part / whole), 4) if whole else None


def _interval(part: Floats, whole: Floats) -> list[float] | None:
    return [round(float(each), 4) for each in np.percentile(part / whole, (2.5, 97.5))] if whole.all() else None


def _say(began_s: float, what: str) -> None:
    print(f"  {time.monotonic() - began_s:6.0f} s  {what}", file=sys.stderr, flush=True)


class Ready(NamedTuple):
    """All sets, and what their models have in common."""

    sets: dict[str, Prepared]
    basis: Basis
    biases: Array

    def of(self, position: str) -> list[Prepared]:
        """The sets from which the model for a position is made."""
        return [each for name, each in self.sets.items() if position in ("any", WORN[name])]


def prepared(data_folder: Path, seed: int, began_s: float) -> Ready:
    """The sets ready for fitting. Raises NoRecordings."""
    missing = [file for file in SETS.values() if not (data_folder / file).is_file()]
    if missing:
        raise NoRecordings(names=", ".join(missing), folder=data_folder)
    rng = np.random.default_rng(seed)
    data = {name: read(data_folder / file) for name, file in SETS.items()}
    shown = {name: shown_of(each, rng) for name, each in data.items()}
    for name, each in shown.items():
        _say(began_s, f"{name}: impacts as recorded and through other sensors: {[len(one.trial) for one in each]}")
    biases = biases_of([each[0].windows for each in shown.values()], rng)
    features = {
        name: fall_model.features(np.concatenate([one.windows for one in each]), biases) for name, each in shown.items()
    }
    _say(began_s, "features")
    basis = basis_of(list(features.values()), rng)
    sets = {name: prepare(data[name], shown[name], basis.reduced(features.pop(name))) for name in data}
    _say(began_s, "components")
    return Ready(sets, basis, biases)


def measure(data_folder: Path, names: Sequence[str] = tuple(SETS), seed: int = 1) -> dict[str, Any]:
    """All figures. ``sets``: by set, ``known`` position (a model of that set alone) and ``unknown`` (of both sets, as shipped)."""
    began_s = time.monotonic()
    ready = prepared(data_folder, seed, began_s)
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {"sets": {}, "carried": {}}
    for name in names:
        found["carried"].update(_carried(ready, name))
    _say(began_s, json.dumps(found["carried"]))
    if (data_folder / NEGATIVES).is_file():
        told = evaluate(data_folder / NEGATIVES)
        found["geotec"] = {name: told[name] for name in ("activities", "false_activities", "false_per_hour")}
    found["core_per_1000_wearables"] = cost(ready.sets["weda"].data)
    _say(began_s, json.dumps({name: found[name] for name in ("geotec", "core_per_1000_wearables") if name in found}))
    for name in names:
        own, place = ready.sets[name], list(ready.sets).index(name)
        models = {
            "known": [
                shipped(model_of([own], WORN[name], {0: [subject]}, INNER), ready.basis, ready.biases)
                for subject in range(len(own.names))
            ],
            "unknown": [
                shipped(model_of(ready.of("any"), "any", {place: [subject]}, INNER), ready.basis, ready.biases)
                for subject in range(len(own.names))
            ],
        }
        _say(began_s, f"{name}: models without each of {len(own.names)} subjects")
        elders = own.data.labels["elder"].astype(bool)
        told_of = found["sets"][name] = {}
        for sensor, data in (("", own.data), ("_20hz_2g", through(own.data, 20.0, 2.0))):
            for position, outcomes in through_the_stream(data, models).items():
                told_of[position + sensor] = figures(outcomes, elders, rng)
                _say(began_s, f"{name} {position}{sensor}: {json.dumps(told_of[position + sensor])}")
    found["seconds"] = round(time.monotonic() - began_s)
    found["cpu_seconds"] = round(time.process_time())
    if len(names) == 1:
        known = found["sets"][names[0]]["known"]
        found.update({name: known[name] for name in ("sensitivity", "specificity", "false_per_hour")})
    return found


def _carried(ready: Ready, name: str) -> dict[str, Any]:
    """How a model of one set alone does on the other, its operating point unchanged."""
    (other, there), own = next((key, each) for key, each in ready.sets.items() if key != name), ready.sets[name]
    model = model_of([own], WORN[name], {}, 2 * INNER)
    likeness = of_trials(there, there.reduced @ model.weights + model.offset)
    fall = there.data.labels["is_fall"].astype(bool)
    at_99 = np.quantile(likeness[~fall], 0.99)
    return {
        f"{name}_to_{other}": {
            "area": round(area(likeness, fall), 4), "sensitivity_at_99": _share((likeness[fall] > at_99).sum(), fall.sum()),
            "sensitivity": _share((likeness[fall] >= model.fall).sum(), fall.sum()),
            "specificity": _share((likeness[~fall] < model.fall).sum(), (~fall).sum()),
        }
    }  # fmt: skip


def cost(data: Trials, wearables: int = 300, seconds: int = 20) -> dict[str, float]:
    """Share of one core that a thousand wearables at 50 Hz take in the stream, frames decoded: on people who go through scripted ``activities``
    without a pause, and on people who are ``still``. Messages of a second, CPU time of the process."""
    rng = np.random.default_rng(1)
    acting = np.concatenate([part for part, fall in zip(data.acc, data.labels["is_fall"], strict=True) if not fall])
    still = np.rint(rng.normal(0.0, 10.0, acting.shape) + np.array([0, 0, 1000])).astype(np.int16)
    length = round(data.rate_hz)
    first = rng.integers(0, len(acting) - seconds * length, wearables)
    home = Card(
        version=1, residents=("r-1",), device_ids=("watch",), device_roles=("wearable",), device_rooms=("other",), device_residents=("r-1",)
    )  # fmt: skip

    def messages(samples: Array) -> Iterator[tuple[str, bytes]]:
        for second in range(seconds):
            for number, begin in enumerate(first):
                at = begin + second * length
                raw = np.clip(samples[at : at + length] * (32_767 / 16_000), -32_767, 32_767).astype("<i2").tobytes()
                body = {"kind": "inertial", "t": 1.7e9 + second, "rate_hz": length, "range_g": 16, "channels": 3, "triggered": False,
                        "samples": raw}  # fmt: skip
                yield topic_of(AREA_REPLAY, f"w-{number}", "watch", "telemetry"), msgspec.json.encode(body)
            yield topic_of(AREA_REPLAY, "w-0", "recorder", "clock"), b'{"t":%f}' % (1.7e9 + second + 1)

    found = {}
    for name, samples in (("activities", acting), ("still", still)):
        frames = list(frames_of(messages(samples), "cost", 1))
        engine = Engine(0, "bulk", {DETECTOR: discover()[DETECTOR]})
        for number in range(wearables):
            engine.put_cards([(f"w-{number}", home)])
        began_s = time.process_time()
        for frame in frames:
            list(engine.apply_value(frame.value))
        found[name] = round((time.process_time() - began_s) / seconds * 1000 / wearables, 4)
    return found


def train(data_folder: Path, path: Path = fall_model.FILE, seed: int = 1) -> list[fall_model.Model]:
    """Fit the models that ship, for POSITIONS, and write them."""
    began_s = time.monotonic()
    ready = prepared(data_folder, seed, began_s)
    models = [
        shipped(model_of(ready.of(position), position, {}, 2 * INNER), ready.basis, ready.biases)
        for position in fall_model.POSITIONS
    ]
    fall_model.save(models, path)
    for position, model in zip(fall_model.POSITIONS, models, strict=True):
        _say(began_s, f"{position}: a fall from {model.fall:.3f}, surely from {model.sure:.3f}")
    return models
