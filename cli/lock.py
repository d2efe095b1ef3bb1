"""``./shouwang lock``: renew requirements.lock from pyproject.toml."""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.errors import CannotProvide
from deploy.site import REPOSITORY
from deploy.steps import step

HELP = "renew requirements.lock (versions and hashes) from pyproject.toml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may change."""
    parser.add_argument(
        "--upgrade", action="store_true", help="take the newest versions; without it only what must change does"
    )


def run(args: argparse.Namespace) -> int:
    """Let uv resolve for every platform and Python we support."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        raise CannotProvide(detail="`uv` is not here: .venv/bin/python -m pip install uv, then again")
    command = [
        *(uv, "pip", "compile", "pyproject.toml", "--group", "dev", "--universal", "--python-version", "3.11"),
        # No index in the file: where packages come from is the reader's own setting.
        *("--generate-hashes", "--no-emit-index-url", "--no-header", "--quiet", "-o", "requirements.lock"),
        *(["--upgrade"] if args.upgrade else []),
    ]
    with step("lock", "resolve", long=True):
        return subprocess.run(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL).returncode
