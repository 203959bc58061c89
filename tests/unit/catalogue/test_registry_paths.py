"""How files of a registered version are named."""

import pytest

from catalogue_people import kind_of
from modelyard.core.catalogue.registry_paths import RegisteredPath, inner_path, registered_path
from modelyard.core.kernel.errors import ErrorKind


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("models:/iris/3", RegisteredPath("iris", "3", None)),
        ("models:/iris/3/", RegisteredPath("iris", "3", None)),
        ("models:/iris@champion", RegisteredPath("iris", None, "champion")),
        ("models:/a name/12/data/model.pkl", RegisteredPath("a name", "12", None, "data/model.pkl")),
        ("models:/iris@champion/model.pkl", RegisteredPath("iris", None, "champion", "model.pkl")),
    ],
)
def test_a_version_is_named_by_its_number_or_an_alias(uri: str, expected: RegisteredPath) -> None:
    assert registered_path(uri) == expected
    assert registered_path(str(expected)) == expected


@pytest.mark.parametrize(
    "uri",
    [
        *("", "iris", "iris/3", "models:/", "models:/iris", "models:/iris/latest", "models:/iris/-1", "models:/iris@"),
        *("models:/iris/3/../4", "models:/iris/3//etc/passwd/..", "models:/iris/3/..", "models:/iris/3/a/./b"),
        *("models:/it's/3", "models:/iris/3/a\\b", "models:/iris/3/C:/x", "models:/iris/3/a\nb", "file:///etc/passwd"),
        *(
            "https://example.com/model.pkl",
            "dbfs:/model.pkl",
            "models:/iris/3/" + "x/" * 30,
            "models:/iris/" + "9" * 40,
        ),
    ],
)
def test_other_paths_are_refused(uri: str) -> None:
    assert kind_of(registered_path, uri) is ErrorKind.INVALID


def test_an_inner_path_keeps_its_names() -> None:
    assert inner_path("data/a b.pkl") == "data/a b.pkl"
