"""The page about GraphQL says the limits that hold and the codes that come."""

from pathlib import Path

import pytest

from modelyard.dialects.wallaroo.graphql import limits
from modelyard.dialects.wallaroo.graphql.answers import CODES
from modelyard.dialects.wallaroo.graphql.reader import MAX_FIELDS
from modelyard.dialects.wallaroo.graphql.request import BODY_BYTES

_PAGE = (Path(__file__).parents[4] / "docs" / "reference" / "graphql.md").read_text("utf-8")


@pytest.mark.parametrize(
    "row",
    [
        f"| body | {BODY_BYTES} bytes |",
        f"| document | {limits.MAX_CHARACTERS} characters |",
        f"| levels (`ofType` not counted) | {limits.MAX_DEPTH} |",
        f"| aliases | {limits.MAX_ALIASES} |",
        f"| root fields | {limits.MAX_ROOT_FIELDS} |",
        f"| fields and fragments, fragments counted wherever they are spread | {limits.MAX_SELECTIONS} |",
        f"| fields in the answer | {MAX_FIELDS} |",
    ],
)
def test_the_page_says_the_limits(row: str) -> None:
    assert row in _PAGE


def test_the_page_names_no_code_that_does_not_exist() -> None:
    named = [line.split("`")[1] for line in _PAGE.splitlines() if line.startswith("| `") and "-" in line.split("`")[1]]
    assert len(named) == 6
    assert set(named) <= {*CODES.values(), "parse-failed"}
