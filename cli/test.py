"""``./shouwang test``: everything that CI runs, on a Site of its own."""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy import browser, console, prepare
from deploy.native import engine
from deploy.native.root import only_one
from deploy.site import REPOSITORY, Site
from deploy.steps import say, step

HELP = "linters, types, import contracts, then pytest; further words go to pytest"
TAKES_MORE = True

TEST_DATA = REPOSITORY / ".shouwang-test"
TEST_PORT_BASE = 28800

WORKERS = 2
"""A full run has so many pytest workers, each with a Site of its own: system tests wait for processes most of their time."""

CHECKS = (
    ("ruff", ("-m", "ruff", "check", "--output-format=concise", ".")),
    ("format", ("-m", "ruff", "format", "--check", "--output-format=concise", ".")),
    ("mypy", ("-m", "mypy")),
    ("imports", ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Only --fast is ours."""
    parser.add_argument(
        "--fast",
        action="store_true",
        help="without services, browser and long recordings: leaves those tests out and says so",
    )
    parser.epilog = "Example: ./shouwang test -k matrix. Exit code: pytest's, or 1 if a check before it failed."


def run(args: argparse.Namespace) -> int:
    """Checks, a fresh test Site, pytest; the Site is taken down whatever happens."""
    # In the environment, so that every process below finds the test Site and none the real one.
    os.environ.setdefault("SHOUWANG_DATA", str(TEST_DATA))
    os.environ.setdefault("SHOUWANG_PORT_BASE", str(TEST_PORT_BASE))
    if Path(os.environ["SHOUWANG_DATA"]).resolve() == REPOSITORY / ".shouwang":
        print(
            "SHOUWANG_DATA names the real site, and tests empty theirs: unset it or name another folder",
            file=sys.stderr,
        )
        return 2
    with ThreadPoolExecutor(max_workers=2) as pool:  # mypy takes as long as the others together
        passed = list(pool.map(lambda check: _check(*check), CHECKS))
    failed = [name for (name, _), good in zip(CHECKS, passed, strict=True) if not good]
    code = _without_services(args.more) if args.fast else _with_services(args.more)
    if failed:
        say("test", f"failed before pytest: {', '.join(failed)} (see above)")
    return code or (1 if failed else 0)


def _check(name: str, words: tuple[str, ...]) -> bool:
    with step(name, "check") as done:
        found = subprocess.run(
            [sys.executable, *words],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        done.note = "ok" if found.returncode == 0 else "FAILED"
    if found.returncode != 0:
        print(found.stdout, flush=True)
    return found.returncode == 0


def _without_services(more: list[str]) -> int:
    say("test", "--fast: tests marked services, browser or recordings are left out; ./shouwang test runs them")
    chosen = ["-m", "not services and not browser and not recordings"]
    return _pytest([*chosen, *more]) if more else _in_workers(WORKERS, [*chosen, "--dist", "worksteal"])


def site_of_worker(number: int) -> Site:
    """The Site of one worker of a test run: the first has the one that the environment names, others lie beside it."""
    # Tests make and drop databases and kill servers: never on the installation that somebody uses.
    data = Path(os.environ.get("SHOUWANG_DATA", TEST_DATA)).resolve()
    assert data != REPOSITORY / ".shouwang", "SHOUWANG_DATA names the real site; tests need one of their own"
    base = int(os.environ.get("SHOUWANG_PORT_BASE", TEST_PORT_BASE))
    if not number:
        return Site.load(data=data, port_base=base)
    return Site.load(data=data.with_name(f"{data.name}-{number + 1}"), port_base=base + 100 * number)


def _with_services(more: list[str]) -> int:
    sites = [site_of_worker(number) for number in range(1 if more else WORKERS)]
    browser.ensure(sites[0])
    console.build(sites[0])
    # Two runs on one site would empty each other's.
    with only_one(sites[0].data / "run" / "test.lock"):
        return _on_empty_sites(sites, more)


def _on_empty_sites(sites: list[Site], more: list[str]) -> int:
    try:
        for site in sites:
            with step("services", f"empty the test site {site.data}"):
                engine.reset(site)
            prepare.services(site, native=True)
        if more:
            return _pytest(more)
        say("test", "tests marked long are left out; ./shouwang test -m long runs them")
        return _in_workers(len(sites), ["-m", "not long", "--dist", "loadfile", "--no-loadscope-reorder"])
    finally:
        for site in sites:
            engine.down(site)


def _in_workers(count: int, words: list[str]) -> int:
    # Folders of workers lie deeper; a site's path must stay short enough for a socket in it.
    with TemporaryDirectory(prefix="sw-") as folder:
        os.environ["SHOUWANG_TEST_LOCKS"] = folder  # tests/conftest.py: where a test has to be alone
        return _pytest(["-n", str(count), *words, f"--basetemp={folder}/t"])


def _pytest(words: list[str]) -> int:
    # From here on the words are the caller's; relative paths among them mean the repository.
    command = [sys.executable, "-m", "pytest", "-ra", f"--rootdir={REPOSITORY}", *words]
    return subprocess.run(command, cwd=_folder(words), stdin=subprocess.DEVNULL).returncode


def _folder(words: list[str]) -> Path:
    """Where the caller stands, if the words name something there; else the repository."""
    here = Path.cwd()
    named = any((here / word.partition("::")[0]).exists() for word in words if not word.startswith("-"))
    return here if named and here.is_relative_to(REPOSITORY) else REPOSITORY
