"""How the C library gives memory back, for a process whose arrays grow."""

import ctypes

_M_MMAP_THRESHOLD = -3
LARGE_BYTES = 256 * 1024
"""From this size on an array has pages of its own, which go back at once when it is replaced by a longer one. glibc raises the limit to 32 MB
by itself where large blocks come and go; then what a city's columns leave behind as they grow stays, a seventh of the whole (measured)."""


def give_back_large() -> None:
    """For a worker at its start. Another C library than glibc has no such limit, and is left as it is."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
