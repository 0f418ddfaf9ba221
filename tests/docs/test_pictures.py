"""The pictures in README.md are what the command makes."""

from pathlib import Path

from pictures import FOLDER, PICTURES, draw, words_of
from readme_text import README


def test_the_pictures_are_what_the_console_draws_and_are_all_shown(memory_path: Path) -> None:
    made = memory_path / "pictures"
    made.mkdir()
    draw(made, memory_path / "workspace")
    assert {path.stem for path in FOLDER.iterdir()} == set(PICTURES)
    shown = README.read_text(encoding="utf-8")
    for name in PICTURES:
        kept = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
        drawn = (made / f"{name}.svg").read_text(encoding="utf-8")
        assert words_of(kept) == words_of(drawn), "python tests/docs/pictures.py makes them again"
        assert f"(.github/pictures/{name}.svg)" in shown
