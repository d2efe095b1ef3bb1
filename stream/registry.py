"""Finds detectors: every file in ``stream/detectors/``, in the folders that the settings name, and in the entry-point group.

A file that does not load stops the start with its path: running on without a detector is a blind spot.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from contracts.errors import ShouwangError
from contracts.kinds import KINDS, ROLES
from stream.cards import CONCERNS
from stream.detector import Detector

FOLDER = Path(__file__).parent / "detectors"
GROUP = "shouwang.detectors"


class BrokenDetector(ShouwangError):
    """Detector {path} cannot be used: {detail}. Without it homes would go unwatched, so nothing was started. Repair the file, or take it away."""


def discover(folders: Iterable[Path | str] = ()) -> dict[str, Detector]:
    """All detectors by name (the file's name), the shipped ones and those in ``folders``. Raises BrokenDetector."""
    found: dict[str, Detector] = {}
    for folder in (FOLDER, *map(Path, folders)):
        if not folder.is_dir():
            raise BrokenDetector(path=folder, detail="there is no such folder")
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith("_"):
                _add(found, path.stem, _checked(_load(path), str(path)), str(path))
    for entry in entry_points(group=GROUP):
        try:
            detector = entry.load()
        except Exception as error:
            raise BrokenDetector(path=f"{GROUP}: {entry.value}", detail=_words(error)) from error
        _add(found, entry.name, _checked(detector, f"{GROUP}: {entry.value}"), entry.value)
    return found


def _add(found: dict[str, Detector], name: str, detector: Detector, path: str) -> None:
    if name in found:
        raise BrokenDetector(path=path, detail=f"there is another detector named {name}")
    found[name] = detector


def _load(path: Path) -> object:
    """``DETECTOR`` of a file."""
    try:
        module = (
            importlib.import_module(f"stream.detectors.{path.stem}") if path.parent == FOLDER else _load_outside(path)
        )
    except Exception as error:
        raise BrokenDetector(path=path, detail=_words(error)) from error
    if not hasattr(module, "DETECTOR"):
        raise BrokenDetector(path=path, detail="it defines no DETECTOR")
    return module.DETECTOR


def _load_outside(path: Path) -> ModuleType:
    name = f"shouwang_detector_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("it is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # msgspec looks the module up to resolve annotations
    spec.loader.exec_module(module)
    return module


def _checked(detector: object, path: str) -> Detector:
    if not isinstance(detector, Detector):
        raise BrokenDetector(
            path=path, detail=f"DETECTOR is a {type(detector).__name__}, not a stream.detector.Detector"
        )
    unknown = sorted(set(detector.kinds) - set(KINDS) | {"card"} & set(detector.kinds))
    if unknown:
        raise BrokenDetector(path=path, detail=f"it reads kinds that no device sends: {', '.join(unknown)}")
    if unknown := sorted(set(detector.concerns) - set(CONCERNS)):
        raise BrokenDetector(path=path, detail=f"it concerns what no card names: {', '.join(unknown)}")
    known = {*detector.kinds, *(f"{kind}:{role}" for kind in detector.kinds for role in ROLES)}
    if unknown := sorted(set(detector.begins_with) - known):
        raise BrokenDetector(path=path, detail=f"it begins with what it does not read: {', '.join(unknown)}")
    if not detector.kinds or not detector.lanes:
        raise BrokenDetector(path=path, detail="it names no kind or no lane, so it would never see a row")
    return detector


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
