"""How well falls are told from activities: leave one subject out, whole trials through the detector's own stream input.

    ./shouwang bench falls [--set weda|sisfall] [--json]

For every subject a model is fitted on all others of the set (and on the whole of the other set, for that is how the shipped one is made), with its
operating point chosen on those training subjects only. The subject's trials then go as messages through frames and engine to the detector with that model in
it. Carried figures: a model of one set alone judges the other. ``train`` fits the one that ships on both sets.
"""

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec
import numpy as np

from cli._evaluate_falls import evaluate
from cli._offline import detections_of
from contracts.errors import ShouwangError
from contracts.kinds import Card
from contracts.names import AREA_REPLAY, topic_of
from ingest.offline import frames_of
from simulators.recordings import open_recording, trials
from stream.detector import Array, Bools, Floats, Ints
from stream.detectors import _fall_model as fall_model
from stream.detectors import fall_wearable
from stream.engine import Engine
from stream.registry import discover

SETS = {"weda": "weda_wrist.npz", "sisfall": "sisfall_waist.npz"}
DETECTOR = "fall_wearable"
NEGATIVES = "geotec_watch_adl.npz"
RIDGE = 0.1
"""Penalty of the regression, of the features' variance. Chosen on WEDA's training folds among 0.01, 0.03, 0.1, 0.3."""
LEAST_DEVIATION = 0.02
"""Features vary by so much or are scaled as if they did (shares, 0 to 1). Chosen: one bin of a window is 0.013."""
MISSED = 1.5
"""The operating point: where the share of falls that are missed is so many times that of activities that are wrong. Chosen before any of these figures:
activities are far more frequent than falls, and a fall has other ways to be found."""
SURE_SPECIFICITY = 0.995
"""``sure``: this share of the training subjects' activities lies below it."""
INNER = 5
"""Parts into which training subjects are divided to choose the operating point."""
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


def impacts_s(data: Trials) -> Floats:
    """When each fall's impact was, s from the trial's beginning: the largest acceleration, within the given times if there are any; NaN for activities."""
    found = np.full(len(data.acc), np.nan)
    for n in np.flatnonzero(data.labels["is_fall"]):
        size = np.linalg.norm(data.acc[n].astype(np.float64), axis=1)
        t0, t1 = float(data.labels["t0"][n]), float(data.labels["t1"][n])
        first, last = (0, len(size)) if np.isnan(t0) else (int(t0 * data.rate_hz), int(t1 * data.rate_hz) + 1)
        found[n] = (first + int(size[first:last].argmax())) / data.rate_hz
    return found


def seen(data: Trials, folder: Path) -> Seen:
    """What the detector judges in these trials, taken where it judges."""
    recording = open_recording(write(folder / "trials.npz", data))
    names = sorted({str(subject) for subject in data.labels["subject"]})
    lengths = np.concatenate([[0], np.cumsum([len(part) for part in data.acc])])
    plan = trials(
        [int(at) for at in lengths], data.rate_hz, [names.index(str(each)) for each in data.labels["subject"]]
    )
    told: list[tuple[Array, Ints, Ints]] = []

    def judge(windows: Array, home: Ints, impact: Ints) -> Floats:
        told.append((windows, home, impact))
        return np.full(len(windows), -np.inf)

    watching = {"fall_wearable": fall_wearable.detector(fall_wearable.Point(judge, 0.0, 0.0))}
    messages = ((message.topic, message.payload) for message in recording.messages())
    cards = {home.home_id: home.card() for home in recording.homes}
    for _ in detections_of(messages, cards, watching, partitions=1):
        raise AssertionError("a judge that sees no falls was not heard")
    windows, home, at_s = (np.concatenate(parts) for parts in zip(*told, strict=True))
    at_s = at_s / 10
    own_s, trial = impacts_s(data), np.full(len(at_s), -1)
    for each in plan:
        trial[(home == each.home) & (at_s >= each.start_s - 0.1) & (at_s < each.end_s + 0.1)] = each.number
    starts = np.array([each.start_s for each in plan])
    after = at_s - starts[trial] - own_s[trial]
    label = np.where(np.isnan(own_s[trial]), 0, np.where((after >= -1.0) & (after <= 2.0), 1, -1))
    return Seen(windows.astype(np.float32), trial, label)


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


class Prepared(NamedTuple):
    """A set ready for fitting without any of its subjects."""

    data: Trials
    names: list[str]
    subject: Ints
    """Of each trial, an index into ``names``."""
    seen: Seen
    """As recorded."""
    features: Array
    sums: Array
    """``[subjects, FEATURES + 2, FEATURES + 2]``: weighted products of (1, features, label) over the windows as recorded and disguised."""
    total: Array
    """Of all subjects."""


def prepare(data: Trials, as_recorded: Seen, biases: Array, folder: Path, rng: np.random.Generator) -> Prepared:
    """Features and sums of a set. Falls and activities weigh the same in all."""
    names, subject = np.unique(data.labels["subject"], return_inverse=True)
    shown = [as_recorded]
    for _ in range(DISGUISES):
        for part, chosen in disguised(data, rng):
            one = seen(part, folder)
            shown.append(one._replace(trial=chosen[one.trial]))
    every = [fall_model.features(each.windows, biases) for each in shown]
    windows, trial, label = (
        np.concatenate(every),
        np.concatenate([each.trial for each in shown]),
        np.concatenate([each.label for each in shown]),
    )
    share = {1: 0.5 / (label == 1).sum(), 0: 0.5 / (label == 0).sum(), -1: 0.0}
    weight = np.array([share[int(each)] for each in label], dtype=np.float32)
    weight[len(as_recorded.label) :] *= DISGUISED
    sums = np.zeros((len(names), fall_model.FEATURES + 2, fall_model.FEATURES + 2), dtype=np.float32)
    for place in range(len(names)):
        mine = (subject[trial] == place) & (label >= 0)
        row = np.column_stack([np.ones(mine.sum(), np.float32), windows[mine], (label[mine] == 1).astype(np.float32)])
        sums[place] = (row * weight[mine, None]).T @ row
    return Prepared(data, [str(name) for name in names], subject, as_recorded, every[0], sums, sums.sum(axis=0))


def fit(sums: Array) -> tuple[Floats, float]:
    """Ridge regression on standardised features, from sums: weights ``[FEATURES]`` and offset."""
    total = float(sums[0, 0])
    mean, label = sums[0, 1:-1].astype(np.float64) / total, float(sums[0, -1]) / total
    spread = sums[1:-1, 1:-1] / total - np.outer(mean, mean).astype(np.float32)
    # A share that hardly varies among these subjects says nothing of others.
    deviation = np.maximum(np.sqrt(np.maximum(np.diag(spread), 0.0)), LEAST_DEVIATION)
    spread /= np.outer(deviation, deviation)
    spread[np.diag_indices_from(spread)] += RIDGE
    weights = (
        np.linalg.solve(spread, ((sums[1:-1, -1] / total - mean * label) / deviation).astype(np.float32)) / deviation
    )
    return weights.astype(np.float64), label - float(weights @ mean)


def of_trials(prepared: Prepared, likeness: Floats) -> Floats:
    """The largest likeness of each trial's windows that are a fall's impact or an activity's; -inf where there is none."""
    found = np.full(len(prepared.data.acc), -np.inf)
    counts = prepared.seen.label >= 0
    np.maximum.at(found, prepared.seen.trial[counts], likeness[counts])
    return found


def point(many: Sequence[tuple[Floats, Bools]]) -> tuple[float, float]:
    """The likenesses of ``fall`` and ``sure`` for trials (their likeness, whether they are falls) of some sets that weigh the same: ``fall`` is
    where the share of missed falls has grown to MISSED times that of wrong activities."""
    places = np.unique(np.concatenate([likeness[np.isfinite(likeness)] for likeness, _ in many]))
    missed, wrong = np.zeros(len(places)), np.zeros(len(places))
    for likeness, fall in many:
        missed += np.searchsorted(np.sort(likeness[fall]), places, "left") / fall.sum()
        wrong += 1 - np.searchsorted(np.sort(likeness[~fall]), places, "left") / (~fall).sum()
    first = float(places[int(np.argmax(missed >= MISSED * wrong))])
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
            found[n][mine] = of_trials(each, each.features @ weights + offset)[mine]
    return found


def model_of(
    many: Sequence[Prepared], biases: Array, without: Mapping[int, Sequence[int]], parts: int
) -> fall_model.Model:
    """A model of these sets without some subjects, its point chosen on the others, left out in ``parts`` divisions."""
    known = [
        (each.data.labels["is_fall"].astype(bool), likeness)
        for each, likeness in zip(many, left_out(many, without, parts), strict=True)
    ]
    fall, sure = point([(likeness[~np.isnan(likeness)], is_fall[~np.isnan(likeness)]) for is_fall, likeness in known])
    return fall_model.Model(biases, *fit(_sums(many, without)), fall, sure)


def area(likeness: Floats, fall: Bools) -> float:
    """Area under the curve: how often a fall is more like one than an activity is."""
    order = np.sort(likeness[~fall])
    below = (np.searchsorted(order, likeness[fall], "left") + np.searchsorted(order, likeness[fall], "right")) / 2
    return float(below.mean() / len(order))


class Counts(NamedTuple):
    """What the detector said to one subject's trials."""

    falls: int
    detected: int
    activities: int
    wrong: int
    hours: float
    elder: bool
    decided_s: list[float]
    missed_by: Mapping[str, int]
    false_by: Mapping[str, int]


def judged(data: Trials, model: fall_model.Model, folder: Path) -> Counts:
    """Whole trials through the detector's own stream input, with this model in it."""
    told = evaluate(write(folder / "judged.npz", data), fall_wearable.detector(fall_wearable.of_model(model)))
    active = ~data.labels["is_fall"].astype(bool)
    hours = sum(len(part) for part, counts in zip(data.acc, active, strict=True) if counts) / data.rate_hz / 3600
    return Counts(
        told["falls"], told["detected"], told["activities"], told["false_activities"], hours, bool(data.labels["elder"][0]),
        told["decisions_s"], told["missed_by"], told["false_by"],
    )  # fmt: skip


def figures(many: Sequence[Counts], rng: np.random.Generator) -> dict[str, Any]:
    """Shares over all trials; 95 % intervals from drawing subjects anew, with replacement, 2,000 times."""
    table = np.array([[each.falls, each.detected, each.activities, each.wrong] for each in many], dtype=float)
    drawn = table[rng.integers(0, len(table), (2000, len(table)))].sum(axis=1)
    falls, detected, activities, wrong = table.sum(axis=0)
    elders = [each for each in many if each.elder]
    decided_s = [second for each in many for second in each.decided_s]
    by: dict[str, dict[str, int]] = {"missed_by": {}, "false_by": {}}
    for name, total in by.items():
        for each in many:
            for activity, count in getattr(each, name).items():
                total[activity] = total.get(activity, 0) + count
    found: dict[str, Any] = {
        "subjects": len(many), "falls": int(falls), "detected": int(detected), "activities": int(activities), "false_activities": int(wrong),
        "sensitivity": _share(detected, falls), "sensitivity_95": _interval(drawn[:, 1], drawn[:, 0]),
        "specificity": _share(activities - wrong, activities), "specificity_95": _interval(drawn[:, 2] - drawn[:, 3], drawn[:, 2]),
        "elders_specificity": _share(sum(e.activities - e.wrong for e in elders), sum(e.activities for e in elders)),
        "false_per_hour": round(wrong / sum(each.hours for each in many), 2),
        "decision_s": {f"p{q}": round(float(np.percentile(decided_s, q)), 2) if decided_s else None for q in (50, 95)},
    }  # fmt: skip
    return {**found, **{name: dict(sorted(total.items())) for name, total in by.items()}}


def _share(part: float, whole: float) -> float | None:
    return round(float(part / whole), 4) if whole else None


def _interval(part: Floats, whole: Floats) -> list[float] | None:
    return [round(float(each), 4) for each in np.percentile(part / whole, (2.5, 97.5))] if whole.all() else None


def _say(began_s: float, what: str) -> None:
    print(f"  {time.monotonic() - began_s:6.0f} s  {what}", file=sys.stderr, flush=True)


def prepared(data_folder: Path, names: Sequence[str], seed: int, began_s: float) -> tuple[dict[str, Prepared], Array]:
    """The sets ready for fitting, and the biases. Raises NoRecordings."""
    missing = [SETS[name] for name in names if not (data_folder / SETS[name]).is_file()]
    if missing:
        raise NoRecordings(names=", ".join(missing), folder=data_folder)
    rng = np.random.default_rng(seed)
    found: dict[str, Prepared] = {}
    with TemporaryDirectory(prefix="shouwang-falls-") as scratch:
        data = {name: read(data_folder / SETS[name]) for name in names}
        as_recorded = {name: seen(each, Path(scratch)) for name, each in data.items()}
        _say(began_s, "impacts: " + ", ".join(f"{name} {len(each.trial)}" for name, each in as_recorded.items()))
        biases = biases_of([each.windows for each in as_recorded.values()], rng)
        for name, each in data.items():
            found[name] = prepare(each, as_recorded[name], biases, Path(scratch), rng)
            _say(
                began_s,
                f"{name}: features of {len(each.acc)} trials, as recorded and through {DISGUISES} other sensors each",
            )
    return found, biases


def measure(data_folder: Path, names: Sequence[str] = tuple(SETS), seed: int = 1) -> dict[str, Any]:
    """All figures. ``sets``: by set, ``known`` position (a model of that set alone) and ``unknown`` (of both sets, as shipped)."""
    began_s = time.monotonic()
    sets, biases = prepared(data_folder, tuple(SETS), seed, began_s)
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {"sets": {}, "carried": {}}
    if (data_folder / NEGATIVES).is_file():
        told = evaluate(data_folder / NEGATIVES)
        found["geotec"] = {name: told[name] for name in ("activities", "false_activities", "false_per_hour")}
    found["core_per_1000_wearables"] = cost(sets["weda"].data)
    with TemporaryDirectory(prefix="shouwang-falls-") as scratch:
        for name in names:
            own, other = sets[name], next(each for key, each in sets.items() if key != name)
            counts: dict[str, list[Counts]] = {"known": [], "unknown": [], "known_20hz_2g": [], "unknown_20hz_2g": []}
            for place, subject in enumerate(own.names):
                mine = own.data.part(np.flatnonzero(own.subject == place))
                low = through(mine, 20.0, 2.0)
                for position, many in (("known", [own]), ("unknown", [own, other])):
                    model = model_of(many, biases, {0: [place]}, INNER)
                    counts[position].append(judged(mine, model, Path(scratch)))
                    counts[f"{position}_20hz_2g"].append(judged(low, model, Path(scratch)))
                _say(began_s, f"{name}: {place + 1} of {len(own.names)} subjects ({subject})")
            found["sets"][name] = {what: figures(each, rng) for what, each in counts.items()}
            _say(began_s, f"{name}: {json.dumps(found['sets'][name])}")
        for name in names:
            own, other_name = sets[name], next(key for key in sets if key != name)
            model, there = model_of([own], biases, {}, 2 * INNER), sets[other_name]
            likeness, fall = (
                of_trials(there, there.features @ model.weights + model.offset),
                there.data.labels["is_fall"].astype(bool),
            )
            at_99 = np.quantile(likeness[~fall], 0.99)
            found["carried"][f"{name}_to_{other_name}"] = {
                "area": round(area(likeness, fall), 4), "sensitivity_at_99": _share((likeness[fall] > at_99).sum(), fall.sum()),
                "sensitivity": _share((likeness[fall] >= model.fall).sum(), fall.sum()),
                "specificity": _share((likeness[~fall] < model.fall).sum(), (~fall).sum()),
            }  # fmt: skip
    found["seconds"] = round(time.monotonic() - began_s)
    if len(names) == 1:
        found.update(
            {name: found["sets"][names[0]]["known"][name] for name in ("sensitivity", "specificity", "false_per_hour")}
        )
    return found


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
    """Fit the models that ship, for POSITIONS, on both sets, and write them."""
    began_s = time.monotonic()
    sets, biases = prepared(data_folder, tuple(SETS), seed, began_s)
    of = {"any": list(sets.values()), "wrist": [sets["weda"]], "waist": [sets["sisfall"]]}
    models = [model_of(of[position], biases, {}, 2 * INNER) for position in fall_model.POSITIONS]
    fall_model.save(models, path)
    for position, model in zip(fall_model.POSITIONS, models, strict=True):
        _say(began_s, f"{position}: a fall from {model.fall:.3f}, surely from {model.sure:.3f}")
    return models
