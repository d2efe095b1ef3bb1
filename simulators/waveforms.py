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
    """``[600, 6]``: acceleration (g) x y z, rotation (deg/s) x y z: walking, losing balance, free fall, impact, lying still on one side.

    Shapes and sizes are those of the acted wrist falls that we have: |a| under 0.4 g for 0.3 s, a peak of 4 to 9 g, then 1 g
    from another direction, almost without movement.
    """
    noise = np.random.default_rng(rng.getrandbits(63))
    t_s = np.arange(int(WINDOW_S * RATE_HZ)) / RATE_HZ
    upright = _unit(noise.normal(0, 0.15, 3) + np.array([0.0, -1.0, 0.1]))
    lying = _unit(noise.normal(0, 0.15, 3) + np.array([0.3, 0.1, 1.0]))
    turn = np.clip((t_s - (IMPACT_AT_S - 0.5)) / 0.6, 0, 1)[:, None]
    gravity = upright * (1 - turn) + lying * turn
    gravity /= np.linalg.norm(gravity, axis=1, keepdims=True)
    size = np.ones_like(t_s)
    walking = t_s < IMPACT_AT_S - 0.9
    size += np.where(walking, 0.18 * np.sin(2 * np.pi * 1.8 * t_s), 0.0)
    falling = (t_s >= IMPACT_AT_S - 0.35) & (t_s < IMPACT_AT_S)
    size = np.where(falling, rng.uniform(0.15, 0.3), size)
    acceleration = gravity * size[:, None]
    since_s = t_s - IMPACT_AT_S
    blow = np.where(since_s >= 0, np.exp(-np.clip(since_s, 0, 5) / 0.06) * np.cos(2 * np.pi * 9 * since_s), 0.0)
    acceleration += blow[:, None] * lying * rng.uniform(4.5, 8.5)
    still = since_s > 0.8
    acceleration += noise.normal(0, 1, acceleration.shape) * np.where(still, 0.008, 0.05)[:, None]
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
