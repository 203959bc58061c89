"""The page about access says what the program declares."""

from pathlib import Path

from modelyard.access_reference import page

_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "access.md"


def test_the_page_is_up_to_date() -> None:
    assert _PAGE.read_text("utf-8") == page(), "run: python -m modelyard.access_reference > docs/reference/access.md"
