"""Adding a detector is adding one file; a file that does not load stops the start."""

import re
from pathlib import Path

import pytest

from stream.battery import HARMLESS, run_case
from stream.registry import FOLDER, BrokenDetector, discover

GUIDE = (Path(__file__).parents[3] / "docs" / "adding-a-detector.md").read_text()
DOOR_AJAR = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)[0]
"""The example of docs/adding-a-detector.md, as it stands there."""


def test_one_file_dropped_into_a_folder_is_a_detector(tmp_path: Path) -> None:
    (tmp_path / "door_ajar.py").write_text(DOOR_AJAR)
    found = discover([tmp_path])
    assert found.keys() - discover().keys() == {"door_ajar"}
    for case in found["door_ajar"].cases:
        usual = run_case("door_ajar", found["door_ajar"], case)
        for change, how in HARMLESS.items():
            assert run_case("door_ajar", found["door_ajar"], case, **how) == usual, change


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
        (DOOR_AJAR.replace('kinds=("contact",)', 'concerns=("stoev",), kinds=("contact",)'), "stoev"),
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
