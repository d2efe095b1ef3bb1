"""How much the seconds around an impact look like a fall: shares of convolutions that exceed a bias, and a ridge regression over them.

A window is 5.5 s in bins of a twentieth of a second, 3 s before the impact to 2.5 s after it: mean acceleration on three axes (g) and largest size (g).
From it come six channels that do not depend on how the wearable is mounted, in physical units: size of the mean, its part along and across
gravity before the impact, cosine of the tilt, log of the largest size, log of the deviation. Of the last 4.5 s of every channel, 84 fixed kernels of nine
weights (two for three places, -1 for six) at four dilations are taken, and of each result the share that lies above two biases: 4,032 features.

Sources: kernels and shares after MiniRocket (Dempster, Schmidt, Webb, KDD 2021); weights are fitted by ``shouwang train falls`` (docs/fall-model.md).
"""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stream.detector import Array, Floats
from stream.detectors._motion_bins import AFTER, BEFORE, PER_S

BACK, AHEAD = BEFORE, AFTER
"""Bins of a window before and after the impact's own."""
LENGTH = BACK + 1 + AHEAD
FIELDS = 4
"""x, y, z, largest size."""
GRAVITY = slice(BACK - 3 * PER_S, BACK - 6 * PER_S // 5)
"""Bins whose mean is taken for gravity: 3.0 to 1.2 s before the impact."""
LOOKED_AT = slice(BACK - 2 * PER_S, LENGTH)
"""Bins that are convolved. Chosen on both sets: with 5 s before the impact instead of 2 a model carries worse to the other set and tells its own no better."""
HALF = PER_S // 4
"""Bins on either side over which tilt and deviation are smoothed: half a second in all."""
DILATIONS = (1, 2, 4, 8)
CHANNELS, BIASES = 6, 2
KERNELS = np.full((84, 9), -1.0, dtype=np.float32)
for _place, _three in enumerate(combinations(range(9), 3)):
    KERNELS[_place, list(_three)] = 2.0
FEATURES = len(DILATIONS) * CHANNELS * len(KERNELS) * BIASES
CHUNK = 64
"""Windows that are worked on at a time: 40 MB of results."""
FILE = Path(__file__).with_name("fall_model.npz")
POSITIONS = ("any", "wrist", "waist")
"""Where it is worn, in the order of contracts.kinds.WORN."""


class Model(NamedTuple):
    """What was learned. ``fall`` and ``sure`` are likenesses: from the first on it is a fall, from the second on surely one."""

    biases: Array
    """``[dilations, channels, kernels, biases]``, units of the channel."""
    weights: Floats
    """``[FEATURES]``."""
    offset: float
    fall: float
    sure: float


def channels(windows: Array) -> Array:
    """``[windows, LENGTH, FIELDS]`` to ``[windows, CHANNELS, bins looked at]``, single precision."""
    mean, top = windows[:, :, :3], windows[:, :, 3]
    size = np.sqrt((mean * mean).sum(axis=2))
    down = mean[:, GRAVITY].mean(axis=1)
    down /= np.maximum(np.sqrt((down * down).sum(axis=1, keepdims=True)), 0.1)
    along = (mean * down[:, None, :]).sum(axis=2)
    across = np.sqrt(np.maximum(size * size - along * along, 0.0))
    smooth = _smooth(mean)
    tilt = (smooth * down[:, None, :]).sum(axis=2) / np.maximum(np.sqrt((smooth * smooth).sum(axis=2)), 0.1)
    loud = np.log(np.maximum(top, 0.2))
    moved = mean - smooth
    restless = np.log(np.sqrt(_smooth((moved * moved).sum(axis=2))) + 0.02)
    return np.stack([size, along, across, tilt, loud, restless], axis=1)[:, :, LOOKED_AT].astype(np.float32)


def _smooth(values: Array) -> Array:
    """The mean over HALF bins on either side along the second axis, edges repeated."""
    length = values.shape[1]
    padded = np.concatenate([values[:, :1]] * HALF + [values] + [values[:, -1:]] * HALF, axis=1)
    return np.asarray(
        sum(padded[:, shift : shift + length] for shift in range(2 * HALF + 1)) / np.float32(2 * HALF + 1)
    )


def convolved(seen: Array, dilation: int) -> Array:
    """All kernels over ``[windows, CHANNELS, LENGTH]``, edges repeated: ``[windows, CHANNELS, kernels, LENGTH]``."""
    padded = np.pad(seen, ((0, 0), (0, 0), (4 * dilation, 4 * dilation)), mode="edge")
    taps = np.arange(9)[:, None] * dilation + np.arange(seen.shape[2])[None, :]
    return np.asarray(KERNELS @ padded[:, :, taps])


def features(windows: Array, biases: Array) -> Array:
    """Shares above the biases, ``[windows, FEATURES]``, single precision. A window's row does not depend on what is beside it."""
    found = np.empty((len(windows), FEATURES), dtype=np.float32)
    for first in range(0, len(windows), CHUNK):
        seen = channels(windows[first : first + CHUNK].astype(np.float32))
        parts = []
        for dilation, bias in zip(DILATIONS, biases, strict=True):
            result = convolved(seen, dilation)
            parts.append(
                np.stack(
                    [
                        (result > bias[None, :, :, which, None]).mean(axis=3, dtype=np.float32)
                        for which in range(BIASES)
                    ],
                    axis=3,
                )
            )
        found[first : first + CHUNK] = np.stack(parts, axis=1).reshape(len(seen), FEATURES)
    return found


def likeness(model: Model, windows: Array) -> Floats:
    """How much each window looks like a fall: about 0 for activities, about 1 for falls."""
    # Not a matrix product: its last digit depends on how many impacts are judged together.
    return np.asarray((features(windows, model.biases) * model.weights).sum(axis=1) + model.offset)


def load(position: str = "any", path: Path = FILE) -> Model:
    """The model for a position (one of POSITIONS) in a file that ``save`` wrote."""
    with np.load(path, allow_pickle=False) as file:
        place = POSITIONS.index(position)
        return Model(file["biases"], *(file[name][place] for name in Model._fields[1:]))


def save(models: Sequence[Model], path: Path = FILE) -> None:
    """Write the models for POSITIONS, which have their biases in common."""
    held = {name: np.stack([np.asarray(getattr(model, name)) for model in models]) for name in Model._fields[1:]}
    np.savez_compressed(path, biases=models[0].biases, **held)  # type: ignore[arg-type]
