"""Packages of the host that only root may install, and the mirror that this machine's apt already uses."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deploy.errors import CannotProvide, NeedsRoot, StepFailed
from deploy.steps import step

_APT = ["apt-get", "-y", "-q", "-o", "Dpkg::Use-Pty=0", "install", "--no-install-recommends"]


def is_root() -> bool:
    """Whether this process may install packages."""
    return os.geteuid() == 0


def ensure(packages: dict[str, str], why: str, log: Path) -> None:
    """See that each program (key) exists, installing its Debian package (value) if we are root.

    ``why`` names what needs them. Raises NeedsRoot with the exact command for everybody else.
    """
    missing = sorted({package for program, package in packages.items() if shutil.which(program) is None})
    if missing:
        install(missing, why, log)


def install(missing: Sequence[str], why: str, log: Path) -> None:
    """Install these packages if we are root. Raises as ``ensure``."""
    command = f"apt-get update && apt-get install --no-install-recommends {' '.join(missing)}"
    if shutil.which("apt-get") is None:
        raise CannotProvide(
            detail=f"{why} needs {', '.join(missing)}, and this is neither Debian nor Ubuntu. Install them, or a container engine"
        )
    if not is_root():
        raise NeedsRoot(why=f"{' and '.join(missing)} (for {why})", command=command)
    with step("packages", f"install {' '.join(missing)} ({why}; this is why root is needed)", long=True):
        run(["apt-get", "-q", "update"], log, "apt-get update", check=False)
        run([*_APT, *missing], log, f"apt-get install {' '.join(missing)}")


def run(
    command: list[str],
    log: Path,
    what: str,
    *,
    folder: Path | None = None,
    check: bool = True,
    held: tuple[int, ...] = (),
) -> None:
    """Run to the end, in ``folder``, with everything it says in ``log``. Raises StepFailed with the log's tail.

    ``held``: locks that it keeps for as long as it lives, whatever becomes of us.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    with log.open("ab") as out:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment,
            pass_fds=held,
        )
    if check and done.returncode != 0:
        raise StepFailed(what=what, code=done.returncode, log=log, tail=tail(log))


def tail(log: Path, lines: int = 8) -> str:
    """The last lines of a log, for an error that has to be understood without opening it."""
    try:
        return "\n    " + "\n    ".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"


def debian_sources(suite: str) -> list[str]:
    """apt lines for ``suite`` from the mirrors this machine uses itself; empty where it uses none of Debian's (Ubuntu, say)."""
    if shutil.which("apt-get") is None:
        return []
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(LABEL)|$(REPO_URI)", "Created-By: Packages"],
        capture_output=True,
        text=True,
    ).stdout
    mirrors = dict(line.split("|", 1) for line in reversed(listed.splitlines()) if "|" in line)
    if "Debian" not in mirrors:
        return []
    lines = [f"deb {mirrors['Debian']} {suite} main"]
    if "Debian-Security" in mirrors:
        lines.append(f"deb {mirrors['Debian-Security']} {suite}-security main")
    return lines


def apt_options() -> list[str]:
    """The machine's own proxies and certificates, as apt options for another root file system."""
    if shutil.which("apt-config") is None:
        return []
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True).stdout
    prefixes = ("Acquire::http::", "Acquire::https::", "Acquire::Check-Valid-Until")
    return [line.rstrip(";") for line in dump.splitlines() if line.startswith(prefixes) and '""' not in line]
