"""The pages about detectors say what their files say."""

from pathlib import Path

import pytest

from stream.pages import PAGES, pages, shipped, write
from stream.registry import FOLDER


def test_the_pages_are_as_their_detectors_are() -> None:
    found = {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")}
    assert found == pages(), "run `python -m stream.pages`"


def test_every_detector_of_the_folder_has_a_page() -> None:
    names = {path.stem for path in FOLDER.glob("*.py") if not path.name.startswith("_")}
    assert shipped().keys() == names
    assert pages().keys() == {"README.md", *(f"{name}.md" for name in names)}


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_page_tells_parameters_cases_and_sentences(name: str) -> None:
    detector, text = shipped()[name], pages()[f"{name}.md"]
    for field in type(detector.params).__struct_fields__:
        (row,) = (line for line in text.splitlines() if line.startswith(f"| `{field}` |"))
        assert not row.endswith("|  |"), f"{field} has no text"
    assert all(f"- {case.name}" in text for case in detector.cases)
    assert f"| `{name}." in text


def test_writing_again_changes_nothing_and_takes_away_what_is_gone(tmp_path: Path) -> None:
    assert set(write(tmp_path)) == set(pages())
    (tmp_path / "no_such_detector.md").write_text("gone")
    assert write(tmp_path) == ["no_such_detector.md"]
    assert write(tmp_path) == []
