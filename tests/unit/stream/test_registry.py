"""Adding a detector is adding one file; a file that does not load stops the start."""

from pathlib import Path

import pytest

from stream.battery import run_case
from stream.registry import FOLDER, BrokenDetector, discover

DOOR_AJAR = '''
"""A door that stands open: said after OPEN_S."""

import msgspec
import numpy as np

from stream.detector import Context, Detector, Ints, Rows, State, StateColumn, Story, fires, quiet


class Params(msgspec.Struct, frozen=True):
    """When a door has stood open for too long."""

    open_s: float = 600.0
    """Time open, s. Chosen."""


STATE = {"opened_s": StateColumn("f8", np.nan)}


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Note when each door opened."""
    is_open = rows["open"] == 1
    state.opened_s[rows.subject] = np.where(is_open, rows.event_at_s, np.nan)
    state.due_at_s[rows.subject] = np.where(is_open, rows.received_at_s + params.open_s, np.inf)


def tick(params: Params, state: State, doors: Ints, ctx: Context) -> None:
    """Say which have stood open."""
    ctx.out.on(doors, started_at_s=state.opened_s[doors], event_at_s=ctx.time.now_s, score=1, reason="door_ajar.open")
    state.due_at_s[doors] = np.inf


DETECTOR = Detector(
    family="technical", kinds=("contact",), params=Params(), observe=observe, tick=tick, subject="device", state=STATE,
    cases=(
        fires("left open", Story([(10, "door-1", "contact", {"open": True})], 700), within_s=(610, 621)),
        quiet("closed again", Story([(10, "door-1", "contact", {"open": True}), (60, "door-1", "contact", {"open": False})], 700)),
    ),
)
'''


def test_one_file_dropped_into_a_folder_is_a_detector(tmp_path: Path) -> None:
    (tmp_path / "door_ajar.py").write_text(DOOR_AJAR)
    found = discover([tmp_path])
    assert found.keys() - discover().keys() == {"door_ajar"}
    for case in found["door_ajar"].cases:
        run_case("door_ajar", found["door_ajar"], case)


def test_every_file_of_the_shipped_folder_is_found() -> None:
    assert discover().keys() == {path.stem for path in FOLDER.glob("*.py") if not path.name.startswith("_")}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("import no_such_module_anywhere\n", "no_such_module_anywhere"),
        ("X = 1\n", "no DETECTOR"),
        ("DETECTOR = 1\n", "a int, not a stream.detector.Detector"),
        (DOOR_AJAR.replace('kinds=("contact",)', 'kinds=("contcat",)'), "contcat"),
        (DOOR_AJAR.replace('kinds=("contact",)', 'kinds=("card",)'), "card"),
        (DOOR_AJAR.replace('kinds=("contact",)', 'lanes=(), kinds=("contact",)'), "never see a row"),
    ],
)
def test_a_file_that_cannot_be_used_stops_the_start_with_its_path(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "broken.py").write_text(text)
    with pytest.raises(BrokenDetector) as raised:
        discover([tmp_path])
    assert str(tmp_path / "broken.py") in str(raised.value)
    assert says in str(raised.value)


def test_a_second_detector_of_the_same_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "call.py").write_text(DOOR_AJAR)
    with pytest.raises(BrokenDetector, match="another detector named call"):
        discover([tmp_path])


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenDetector, match="no such folder"):
        discover([tmp_path / "nowhere"])
