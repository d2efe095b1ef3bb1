"""A disk of its own under a site's database, so that it can be full for a while and nobody else's is.

A file in the site's folder with ext4 in it, mounted by a loop device: what PostgreSQL meets is what a full disk says (ENOSPC), not an imitation. Needs root.
"""

import contextlib
import os
import shutil
import subprocess

from deploy.native import engine
from deploy.services import TIMESCALE
from deploy.site import Site
from deploy.supervise import Supervisor

SIZE = 6 << 30
"""Bytes; the file is sparse, and takes what the database writes."""
LEAVE = 1 << 20
"""Less than this is full, bytes."""


class SmallDisk:
    """Use it in a ``with`` around everything that runs on the site, and ``move_in`` once the services are up. At its end the database's data is gone."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._image, self._folder, self._postgres = site.data / "disk.img", site.data / "disk", site.data / "postgres"
        self._filler = self._folder / "filler"

    @staticmethod
    def lacks() -> str:
        """Why this machine cannot do it; empty where it can."""
        if os.geteuid() != 0:
            return "a disk of its own under the database needs root (mount)"
        missing = [word for word in ("mkfs.ext4", "mount", "umount") if shutil.which(word) is None]
        return f"no {missing[0]} here" if missing else ""

    def __enter__(self) -> "SmallDisk":
        self._away()  # of a command that was killed
        with self._image.open("wb") as file:
            file.truncate(SIZE)
        self._folder.mkdir(exist_ok=True)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", str(self._image))
        _run("mount", "-o", "loop", str(self._image), str(self._folder))
        return self

    def __exit__(self, *_: object) -> None:
        self._away()

    def move_in(self) -> None:
        """The database's files onto the disk, while it is down for a moment. Raises NotReady."""
        supervisor = Supervisor(self._site)
        supervisor.stop(TIMESCALE)
        shutil.move(self._postgres, self._folder / "postgres")
        self._postgres.symlink_to(self._folder / "postgres")
        supervisor.again(TIMESCALE)
        engine.wait_ready(self._site, TIMESCALE)

    def fill(self) -> None:
        """Take all that is left, again and again where something was given back; at once, and without writing it."""
        with self._filler.open("ab") as file, contextlib.suppress(OSError):  # the database may be faster
            while (free := shutil.disk_usage(self._folder).free) >= LEAVE:
                end = os.fstat(file.fileno()).st_size
                os.posix_fallocate(file.fileno(), end, free // 2)

    def empty(self) -> None:
        """Give it back."""
        self._filler.unlink(missing_ok=True)

    def _away(self) -> None:
        if self._postgres.is_symlink():
            self._postgres.unlink()
        if os.path.ismount(self._folder):
            _run("umount", "-l", str(self._folder))
        self._image.unlink(missing_ok=True)


def _run(*words: str) -> None:
    subprocess.run(words, stdin=subprocess.DEVNULL, check=True)
