"""Motion as a wrist feels it: a made fall for the watch to send. Synthetic, and said to be so: real falls stand in the recordings."""

from random import Random

import numpy as np
import numpy.typing as npt

RATE_HZ = 50.0
RANGE_G = 16.0
RANGE_DPS = 2000.0
IMPACT_AT_S = 4.0
"""Where in the window the impact lies: four seconds before it, eight after."""
WINDOW_S = 12.0

Samples = npt.NDArray[np.float64]


def fall(rng: Random) -> Samples:
    """``[600, 6]``: acceleration (g) x y z, rotation (deg/s) x y z: walking, losing balance, falling with the arm about, impact, lying still.

    Shapes and sizes are those of the 350 acted wrist falls of WEDA-FALL (medians and tenths by tenth of a second): the arm is restless from
    0.8 s before to 1 s after the impact, 0.7 g at its worst; weight is lost for 0.3 s; a peak of 4 to 9 g; a second, smaller blow when the body follows
    the hand; the wrist has turned 0.6 s after the impact; 1 g from another direction and almost no movement from 1.2 s on.
    """
    noise = np.random.default_rng(rng.getrandbits(63))
    t_s = np.arange(int(WINDOW_S * RATE_HZ)) / RATE_HZ
    since_s = t_s - IMPACT_AT_S
    upright = _unit(noise.normal(0, 0.15, 3) + np.array([0.0, -1.0, 0.1]))
    lying = _unit(noise.normal(0, 0.15, 3) + np.array([0.3, 0.1, 1.0]))
    turn = np.clip((since_s + 0.6) / 1.2, 0, 1)[:, None]
    gravity = upright * (1 - turn) + lying * turn
    gravity /= np.linalg.norm(gravity, axis=1, keepdims=True)
    walking = since_s < -0.9
    swing = _unit(noise.normal(0, 1, 3))
    size = np.where((since_s >= -0.35) & (since_s < 0), rng.uniform(0.15, 0.45), 1.0)
    acceleration = gravity * size[:, None]
    acceleration += np.where(walking, 0.18 * np.sin(2 * np.pi * 1.8 * t_s), 0.0)[:, None] * (gravity + 0.5 * swing)
    for at_s, blow_g in ((0.0, rng.uniform(4.5, 8.5)), (rng.uniform(0.35, 0.6), rng.uniform(1.5, 3.0))):
        after_s = since_s - at_s
        rings = np.where(after_s >= 0, np.exp(-np.clip(after_s, 0, 5) / 0.06) * np.cos(2 * np.pi * 9 * after_s), 0.0)
        acceleration += rings[:, None] * _unit(lying + noise.normal(0, 0.4, 3)) * blow_g
    about = noise.normal(0, 1, (len(t_s) + 2, 3))
    about = (about[:-2] + about[1:-1] + about[2:]) / np.sqrt(3)  # an arm is not faster than some 15 Hz
    restless = np.where(
        since_s < 0, 0.7 * np.exp(np.minimum(since_s, 0) / 0.3), 0.7 * np.exp(-np.maximum(since_s, 0) / 0.4)
    )
    acceleration += about * restless[:, None]
    acceleration += noise.normal(0, 1, acceleration.shape) * np.where(since_s > 0.8, 0.008, 0.04)[:, None]
    rotation = noise.normal(0, 1, acceleration.shape) * np.where(walking, 40.0, 2.0)[:, None]
    rotation += np.where((since_s > -0.5) & (since_s < 0.1), 220.0, 0.0)[:, None] * np.array([0.4, 1.0, 0.2])
    return np.hstack([acceleration, rotation])


def as_int16(samples: Samples, range_g: float = RANGE_G, range_dps: float = RANGE_DPS) -> bytes:
    """Little-endian int16 rows as an ``inertial`` message carries them; values beyond the range stay at its rail."""
    scale = np.array([range_g] * 3 + [range_dps] * (samples.shape[1] - 3))
    counts = np.clip(np.rint(samples / scale * 32767), -32768, 32767)
    return bytes(counts.astype("<i2").tobytes())


def _unit(vector: Samples) -> Samples:
    return np.asarray(vector / np.linalg.norm(vector))
