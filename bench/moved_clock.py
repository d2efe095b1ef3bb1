"""A wall clock that can be moved for some processes while they run: what a machine's clock that jumps looks like to them.

``bench/jump.c`` is compiled on use and preloaded; processes with ``settings`` in their environment see the wall clock, and nothing else, moved. Who is
not started so sees the machine's own: the services keep it, and so does whoever judges the run.
"""

import shutil
import struct
import subprocess
from pathlib import Path

from deploy.site import REPOSITORY

SOURCE = REPOSITORY / "bench" / "jump.c"
HOUR_S = 3600


class MovedClock:
    """Compiled into ``folder``; the clock is right until ``move``."""

    def __init__(self, folder: Path) -> None:
        self._library, self._file = folder / "jump.so", folder / "moved_clock"

    @staticmethod
    def lacks() -> str:
        """Why this machine cannot do it; empty where it can."""
        return "" if shutil.which("cc") else "no C compiler (cc) to make bench/jump.c with"

    def make(self) -> None:
        """Compile, and set right. Raises CalledProcessError."""
        self.move(0)
        words = ["cc", "-O2", "-Wall", "-shared", "-fPIC", "-o", str(self._library), str(SOURCE), "-ldl"]
        subprocess.run(words, stdin=subprocess.DEVNULL, check=True)

    @property
    def settings(self) -> dict[str, str]:
        """Environment of the processes that see it."""
        return {"LD_PRELOAD": str(self._library), "SHOUWANG_MOVED_CLOCK": str(self._file)}

    def move(self, seconds: int) -> None:
        """So far from the machine's own, at once; 0 puts it right."""
        # Written in place: those who have it mapped must see it.
        with self._file.open("r+b" if self._file.exists() else "w+b", buffering=0) as file:
            file.write(struct.pack("=q", seconds))
