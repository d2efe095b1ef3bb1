"""The import contracts name every package there is; root packages cannot be exhaustive by themselves."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_package_stands_on_a_floor_is_type_checked_and_is_shipped():
    folders = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert set(project["importlinter"]["root_packages"]) == folders
    assert set(project["mypy"]["packages"]) == folders
    assert set(project["hatch"]["build"]["targets"]["wheel"]["packages"]) == folders
    layers = project["importlinter"]["contracts"][0]["layers"]
    assert {name.strip() for layer in layers for name in re.split("[|:]", layer)} == folders
