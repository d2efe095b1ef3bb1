"""The root file system that the servers run in: made once in the cache folder, read-only in use.

Debian trixie with PostgreSQL, TimescaleDB, Mosquitto and a Java runtime; about 0.7 GB. It is built under a temporary name
and renamed when whole, so an interrupted first run starts it again and never uses half of one.

Servers run in bubblewrap: nothing is mounted in the machine's own view, and they hold no capability and see only their
own data folder. Pids are not unshared: after a crash PostgreSQL's stale lock would then name a foreign pid, and it would
refuse to start.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.errors import CannotProvide, StepFailed
from deploy.native import packages
from deploy.services import POSTGRES_MAJOR
from deploy.site import Site
from deploy.steps import step

SUITE = "trixie"
PACKAGES = (
    f"postgresql-{POSTGRES_MAJOR}",
    f"postgresql-{POSTGRES_MAJOR}-timescaledb",
    "mosquitto",
    "openjdk-21-jre-headless",
    "ca-certificates",
)
_RECIPE = hashlib.sha256(repr((SUITE, PACKAGES, 1)).encode()).hexdigest()[:10]
_SEEN_INSIDE = ("usr", "etc", "var")


@contextmanager
def only_one(lock: Path) -> Iterator[int]:
    """Of several commands that would make the same thing, one works and the others wait for it.

    Yields the lock's descriptor: a program that gets it (``pass_fds``) holds the lock on when the command is killed and it is not.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def path(site: Site) -> Path:
    """Where the root file system of this recipe stands."""
    return site.cache / f"root-{SUITE}-{_RECIPE}"


def provide(site: Site) -> Path:
    """Make the root file system if it is not there; returns its path. Raises NeedsRoot, CannotProvide, StepFailed."""
    packages.ensure({"bwrap": "bubblewrap"}, "running the services apart from the machine", site.log("packages"))
    root = path(site)
    if not root.exists():
        packages.ensure(
            {"mmdebstrap": "mmdebstrap"} | ({} if packages.is_root() else {"newuidmap": "uidmap"}),
            "making the services' root file system",
            site.log("packages"),
        )
        with only_one(site.cache / "root.lock") as held:
            if not root.exists():
                _build(site, root, held)
    _try(root)
    return root


def _build(site: Site, root: Path, held: int) -> None:
    if packages.is_root() and packages.debian_sources(SUITE) == []:
        packages.run(["apt-get", "-q", "update"], site.log("packages"), "apt-get update", check=False)
    if not Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists():
        packages.ensure(
            {"debian-archive-keyring": "debian-archive-keyring"}, "checking Debian's signatures", site.log("packages")
        )
    draft = root.with_name(f"{root.name}.draft")
    log = site.log("root")
    with step("root", f"Debian {SUITE} with PostgreSQL, TimescaleDB, Mosquitto, Java into {root}", long=True):
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        sources = packages.debian_sources(SUITE)
        # Kafka's jars come by Maven, and where the host has none, it is put where it troubles nobody.
        wanted = PACKAGES if shutil.which("mvn") else (*PACKAGES, "maven")
        options = [f"--aptopt={option}" for option in packages.apt_options()]
        make = [
            *("mmdebstrap", "--variant=minbase", f"--include={','.join(wanted)}", "--format=tar"),
            *(f"--mode={'root' if packages.is_root() else 'unshare'}", "--dpkgopt=path-exclude=/usr/share/doc/*"),
            *options,
            # Without sources of ours mmdebstrap takes its own default for the suite.
            *(SUITE, "-", *sources),
        ]
        if packages.is_root():
            # What mmdebstrap mounts while it works must not be seen, nor left behind, in the machine's own view.
            make = ["unshare", "--mount", "--propagation", "private", *make]
        unpack = ["tar", "-x", "-C", str(draft), "--no-same-owner", "--exclude=./dev/*"]
        with (
            log.open("wb") as out,
            subprocess.Popen(
                make, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=out, pass_fds=(held,)
            ) as maker,
        ):
            unpacked = subprocess.run(unpack, stdin=maker.stdout, stdout=out, stderr=out, pass_fds=(held,))
        for what, code in (("mmdebstrap", maker.returncode), ("unpacking the root file system", unpacked.returncode)):
            if code != 0:
                raise StepFailed(what=what, code=code, log=log, tail=packages.tail(log))
        os.rename(draft, root)


def _try(root: Path) -> None:
    done = subprocess.run(
        [*_sandbox(root, ()), "/usr/bin/true"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30
    )
    if done.returncode != 0:
        raise CannotProvide(
            detail=f"bubblewrap cannot start a program ({done.stderr.strip()}). User namespaces must be allowed: as root, "
            "sysctl kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0 (whichever exists), "
            "or in a container give it CAP_SYS_ADMIN; or use a container engine"
        )


def server_uid(root: Path) -> str:
    """Inside, every server is Debian's ``postgres``: PostgreSQL wants a name for its uid, and none of them may be root."""
    for line in (root / "etc/passwd").read_text().splitlines():
        name, _, uid, *_ = line.split(":")
        if name == "postgres":
            return uid
    raise CannotProvide(detail=f"{root} holds no user postgres; remove that folder and start again")


def _sandbox(root: Path, writable: tuple[Path, ...], readable: tuple[Path, ...] = ()) -> list[str]:
    uid = server_uid(root)
    command = ["bwrap", "--unshare-user", "--uid", uid, "--gid", uid]
    for name in _SEEN_INSIDE:
        command += ["--ro-bind", str(root / name), f"/{name}"]
    for name in ("bin", "lib", "lib64", "sbin"):
        if (root / name).is_symlink():
            command += ["--symlink", f"usr/{name}", f"/{name}"]
    command += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
    for folder in readable:
        command += ["--ro-bind", str(folder), str(folder)]
    for folder in writable:
        command += ["--bind", str(folder), str(folder)]
    return [
        *command,
        "--clearenv",
        "--setenv",
        "PATH",
        "/usr/bin:/bin",
        "--setenv",
        "LC_ALL",
        "C.UTF-8",
        "--chdir",
        "/tmp",
        "--",
    ]


def inside(
    root: Path, command: list[str], *, writable: tuple[Path, ...] = (), readable: tuple[Path, ...] = ()
) -> list[str]:
    """``command`` as it is run inside ``root``, with the folders bound at their own paths, for a job that ends by itself."""
    return [*_sandbox(root, writable, readable), *command]


def server(
    root: Path, command: list[str], *, writable: tuple[Path, ...] = (), readable: tuple[Path, ...] = ()
) -> list[str]:
    """The same for a server under the supervisor.

    bwrap does not pass signals on, so the supervisor signals the process group. bwrap itself ignores TERM and INT and the
    server gets them back: so bwrap, whose pid the supervisor knows, lives exactly as long as the server does.
    """
    guarded = ["env", "--ignore-signal=TERM", "--ignore-signal=INT"]
    given_back = ["env", "--default-signal=TERM", "--default-signal=INT"]
    return [*guarded, *inside(root, [*given_back, *command], writable=writable, readable=readable)]
