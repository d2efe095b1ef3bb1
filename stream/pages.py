"""A page for each shipped detector, written from its file: ``python -m stream.pages`` writes docs/detectors/, a test compares."""

import ast
import importlib
import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from contracts.reasons import REASONS, WORDS, Reason
from stream.detector import Case, Detector
from stream.registry import FOLDER, discover

PAGES = Path(__file__).resolve().parent.parent / "docs" / "detectors"
_MADE = "*Written from `stream/detectors/{name}.py` and `contracts/reasons.py` by `python -m stream.pages`. Change these, not this page.*"
_SUBJECTS = {"home": "homes", "device": "devices"}


def shipped() -> dict[str, Detector]:
    """Detectors of this repository, in order of name."""
    return {name: each for name, each in sorted(discover().items()) if (FOLDER / f"{name}.py").is_file()}


def pages() -> dict[str, str]:
    """What stands in the folder, by file name."""
    detectors = shipped()
    return {
        "README.md": _contents(detectors),
        **{f"{name}.md": page(name, detector) for name, detector in detectors.items()},
    }


def page(name: str, detector: Detector) -> str:
    """One detector: what it does and why, its parameters with unit and source, its cases, what an operator reads."""
    return "\n".join([
        f"# {_title(name)}", "", _MADE.format(name=name), "", _text(_docstring(name)), "", _facts(detector), "", "## Parameters", "",
        _parameters(detector), "", "## Cases", "", "Each is played through frames and engine in every test, cut anyhow, restarted, repeated, among other homes.", "",
        _cases(detector), "", "## What an operator reads", "", _sentences(name), "",
    ])  # fmt: skip


def _contents(detectors: Mapping[str, Detector]) -> str:
    lines = [
        "# Detectors · 监测项目", "", "*Written by `python -m stream.pages` from the detectors' own files; a test compares.* How to add one: "
        "[adding-a-detector.md](../adding-a-detector.md). How scores add up: [evidence-score.md](../evidence-score.md).", "",
        "| detector | family | what it finds |", "|---|---|---|",
    ]  # fmt: skip
    for name, detector in detectors.items():
        first = _text(_docstring(name)).partition("\n\n")[0].replace("\n", " ")
        lines.append(f"| [{_title(name)}]({name}.md) | {detector.family} | {_cell(first)} |")
    return "\n".join([*lines, ""])


def _title(name: str) -> str:
    return f"{name} {WORDS[name]}" if name in WORDS else name


def _docstring(name: str) -> str:
    return inspect.cleandoc(importlib.import_module(f"stream.detectors.{name}").__doc__ or "")


def _text(words: str) -> str:
    return words.replace("``", "`").replace("<", "&lt;")


def _cell(words: str) -> str:
    return re.sub(r"\s+", " ", words).strip().replace("|", "\\|")


def _facts(detector: Detector) -> str:
    facts = {
        "family": detector.family,
        "reads": ", ".join(detector.kinds),
        "lanes": ", ".join(detector.lanes),
        "state of": _SUBJECTS[detector.subject],
        "only in homes with": ", ".join(detector.concerns) or "anything",
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts.items())])


def _parameters(detector: Detector) -> str:
    """The values that ship, with the docstring that stands under each: unit and source."""
    params = type(detector.params)
    (found,) = (node for node in ast.parse(dedent(inspect.getsource(params))).body if isinstance(node, ast.ClassDef))
    said: dict[str, str] = {}
    for field, text in zip(found.body, [*found.body[1:], ast.Pass()], strict=True):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            words = text.value.value if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) else ""
            said[field.target.id] = str(words)
    lines = [
        _text(inspect.cleandoc(params.__doc__ or "")),
        "",
        "| parameter | value | unit and source |",
        "|---|---|---|",
    ]
    for name in params.__struct_fields__:
        lines.append(f"| `{name}` | {_value(getattr(detector.params, name))} | {_cell(_text(said.get(name, '')))} |")
    return "\n".join(lines)


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.10g}"
    if isinstance(value, tuple):
        return ", ".join(map(_value, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(each)}" for key, each in value.items())
    return str(value)


def _cases(detector: Detector) -> str:
    def line(case: Case) -> str:
        times = f" ({case.episodes} times)" if case.episodes > 1 else ""
        last = f", at last `{case.last}`" if case.last else ""
        return f"- {case.name}{times}{last}"

    fires = [line(case) for case in detector.cases if case.episodes]
    quiet = [line(case) for case in detector.cases if not case.episodes]
    return "\n".join(["It fires:", "", *fires, "", "It stays quiet:", "", *quiet])


def _sentences(name: str) -> str:
    own: dict[str, Reason] = {key: reason for key, reason in REASONS.items() if key.split(".")[0] == name}
    rows = [f"| `{key}` | {_cell(reason.zh)} | {_cell(reason.en)} |" for key, reason in own.items()]
    return "\n".join(["| key | 中文 | English |", "|---|---|---|", *rows])


def write(folder: Path = PAGES) -> list[str]:
    """Write all pages, take away those of detectors that are gone; names of what changed."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted, changed = pages(), []
    for path in folder.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
            changed.append(path.name)
    for name, text in wanted.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return sorted(changed)


if __name__ == "__main__":
    print("docs/detectors:", ", ".join(write()) or "as they were")
