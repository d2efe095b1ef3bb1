"""Peers: other programs that do the same job, each in an environment of its own, made outside the repository from what its folder pins.

``bench/peers/NAME/`` holds the pins and one source file. Python: ``requirements.txt`` with hashes and ``job.py``. Java: ``pom.xml``, the check sums
of its jars in ``SHA256SUMS`` and ``Job.java``. Go and Rust: see ``bench/bridges.py``. A peer that cannot be made is missing with its reason; a
bench says so in its figures and goes on with the others.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from contracts.errors import ShouwangError
from deploy.native.packages import run
from deploy.steps import step

FOLDER = Path(__file__).with_name("peers")
READ_IN_PLACE = ("job.py", "telegraf.conf")
"""Files of a peer that nothing is built from."""


class MissingPeer(ShouwangError):
    """Peer {name} is not there: {detail}"""


class Way(NamedTuple):
    """One way to run a peer for the one job."""

    peer: str
    mode: str
    durable: bool
    """Whether its state is there again after its process and its memory are gone."""

    @property
    def name(self) -> str:
        """As the figures call it."""
        return f"{self.peer}-{self.mode}".replace("_", "-")


WAYS = (
    Way("quix", "changelog", True),
    Way("bytewax", "recovery", True),
    Way("bytewax", "memory", False),
    Way("kafka_streams", "rocksdb", True),
    Way("kafka_streams", "memory", False),
    Way("faust", "table", True),
    Way("faust", "dict", False),
)
"""Bytewax keeps its state in SQLite files of its own beside the process (recovery); Quix, Kafka Streams and Faust's table write each change to a
changelog in Kafka."""


def provide(name: str, made: Path, log: Path) -> list[str]:
    """Make a peer's environment in ``made`` unless it stands there; how to start its job, without arguments. Raises MissingPeer."""
    source = FOLDER / name
    makers: dict[str, Callable[[Path, Path, Path], None]] = {"requirements.txt": _python, "pom.xml": _java}
    maker = next(each for file, each in makers.items() if (source / file).exists())
    make_once(name, source, made / name, log, maker)
    if maker is _python:
        return [str(made / name / "bin" / "python"), str(source / "job.py")]
    return [_program("java", name), "-cp", f"{made / name}/classes:{made / name}/jars/*", "Job"]


def make_once(name: str, source: Path, target: Path, log: Path, maker: Callable[[Path, Path, Path], None]) -> None:
    """Have ``maker(source, target, log)`` fill ``target``; never again while ``source`` is the same. Raises MissingPeer."""
    recipe = recipe_of(source)
    mark = target / "made-from"
    if mark.exists() and mark.read_text() == recipe:
        return
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    log.write_bytes(b"")
    try:
        with step("peers", f"make {name} in {target}", long=True):
            maker(source, target, log)
    except (ShouwangError, OSError) as error:
        raise MissingPeer(name=name, detail=f"{type(error).__name__}: {error}") from error
    mark.write_text(recipe)


def recipe_of(source: Path) -> str:
    """A digest of all files that an environment is made from."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.name not in READ_IN_PLACE:
            digest.update(str(path.relative_to(source)).encode() + path.read_bytes())
    return digest.hexdigest()


def _python(source: Path, target: Path, log: Path) -> None:
    run([sys.executable, "-m", "venv", str(target)], log, "making a virtual environment")
    pip = [str(target / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
    run([*pip, "-r", str(source / "requirements.txt")], log, f"installing {source.name} from PyPI")


def _java(source: Path, target: Path, log: Path) -> None:
    jars = target / "jars"
    maven = [_program("mvn", source.name), "-B", "-ntp", "-q", "-f", str(source / "pom.xml")]
    run([*maven, "dependency:copy-dependencies", f"-DoutputDirectory={jars}"], log, "fetching jars from Maven Central")
    check_sums(source / "SHA256SUMS", jars, source.name)
    classes = target / "classes"
    classes.mkdir()
    run(
        [_program("javac", source.name), "-cp", f"{jars}/*", "-d", str(classes), str(source / "Job.java")], log, "javac"
    )


def check_sums(listed: Path, folder: Path, name: str) -> None:
    """Whether ``folder`` holds just the files that are listed, as they were. Raises MissingPeer."""
    wanted = {file: digest for digest, file in map(str.split, listed.read_text().splitlines())}
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    if wrong := sorted(file for file in wanted.keys() | found.keys() if wanted.get(file) != found.get(file)):
        raise MissingPeer(name=name, detail=f"not what SHA256SUMS says: {', '.join(wrong)}")


def _program(program: str, name: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise MissingPeer(name=name, detail=f"the program {program} is not on this machine")
    return found


def program(name: str, *programs: str) -> list[str]:
    """Paths of programs that a peer needs of this machine. Raises MissingPeer."""
    return [_program(each, name) for each in programs]


def environment(**more: str) -> dict[str, str]:
    """What a peer finds in its environment: the caller's own without our settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SHOUWANG_")} | more


def chosen(ways: Sequence[Way], names: Sequence[str]) -> list[Way]:
    """The ways of the peers that were asked for; all where none was named."""
    return [way for way in ways if not names or way.peer in names or way.name in names]
