"""What a preparation takes from an upload: packages, options, tensors."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.frameworks import FRAMEWORKS
from modelyard.core.catalogue.model_requirements import ModelRequirements
from modelyard.core.catalogue.runtimes import Environment, FileClass
from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.preparing.looking import Look
from modelyard.preparing.options import may_convert, options_of
from modelyard.preparing.packages import PackageChoice
from modelyard.preparing.signatures import read_signature

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LOOK = Look(FileClass.CODE, ())


def version(**conversion: Any) -> ModelVersion:
    return ModelVersion(
        *(1, 1, 1, "m", "v", "a" * 64, 1, "m.pkl", "private"),
        *(conversion, None, "preparing", None, None, "1", "user", NOW, NOW),
    )


class Locking:
    """Environments that can be locked unless a requirement is among ``impossible``."""

    def __init__(self, *impossible: str) -> None:
        self.asked: list[list[str]] = []
        self._impossible = set(impossible)

    def lock(self, requirements: list[str], python: str = "3.11", log: Any = None) -> Environment:
        assert callable(log)
        self.asked.append(sorted(requirements))
        if self._impossible & set(requirements):
            raise invalid("no such version")
        return Environment("e" * 64, python, requirements, "", NOW)


def asked(framework: str, look: Look = LOOK, *impossible: str, **conversion: Any) -> list[list[str]]:
    environments: Any = Locking(*impossible)
    choice = PackageChoice(version(framework=framework, **conversion), FRAMEWORKS[framework], look)
    choice.locked(environments, lambda _: None)
    found: list[list[str]] = environments.asked
    return found


def test_a_framework_s_packages_are_taken_where_nothing_is_asked_for() -> None:
    assert asked("sklearn") == [["joblib", "numpy", "pyarrow", "scikit-learn"]]


def test_what_the_upload_and_its_file_ask_for_takes_the_place_of_the_usual() -> None:
    own = replace(LOOK, requirements=ModelRequirements(["xgboost==2.1.4"]))
    assert asked("xgboost", own, requirements=["numpy<2"]) == [["numpy<2", "pyarrow", "scikit-learn", "xgboost==2.1.4"]]


def test_an_estimator_gets_the_scikit_learn_that_pickled_it() -> None:
    assert "scikit-learn==1.7.2" in asked("sklearn", replace(LOOK, sklearn="1.7.2"))[0]


def test_another_scikit_learn_is_taken_where_that_one_cannot_be_had() -> None:
    attempts = asked("sklearn", replace(LOOK, sklearn="0.1"), "scikit-learn==0.1")
    assert "scikit-learn==0.1" not in attempts[-1]
    assert len(attempts) == 2


def test_the_upload_s_own_version_of_scikit_learn_counts_most() -> None:
    attempts = asked("sklearn", replace(LOOK, sklearn="1.7.2"), requirements=["scikit-learn==1.8.0"])
    assert attempts == [["joblib", "numpy", "pyarrow", "scikit-learn==1.8.0"]]


def test_requirements_that_are_none_are_refused() -> None:
    with pytest.raises(DomainError, match="gives an option"):
        asked("sklearn", requirements=["--index-url http://evil.example"])


@pytest.mark.parametrize(
    ("conversion", "options", "converts"),
    [
        ({}, {}, True),
        ({"options": {"method": "predict_proba"}}, {"method": "predict_proba"}, True),
        ({"options": {"convert": False}}, {}, False),
        ({"framework_config": {"framework": "custom", "config": {"model_path": "./m"}}}, {"model_path": "./m"}, True),
        ({"framework_config": {"convert": False}}, {}, False),
        ({"framework_config": {"config": {"convert": False}}}, {}, False),
        ({"framework_config": None, "options": None}, {}, True),
    ],
)
def test_options_are_the_upload_s(conversion: dict[str, Any], options: dict[str, Any], converts: bool) -> None:
    held = version(framework="sklearn", **conversion)
    assert (options_of(held), may_convert(held)) == (options, converts)


def test_a_pipeline_is_told_its_task() -> None:
    held = version(framework="hugging-face-summarization", options={"task": "another"})
    assert options_of(held) == {"task": "summarization"}


GOOD = {"name": "x", "dtype": "float32", "shape": [None, 3]}


def test_a_signature_is_read() -> None:
    told = {"event": "loaded", "inputs": [GOOD], "outputs": [{**GOOD, "dtype": "json", "shape": [None]}]}
    spec = TensorSpec("x", "float32", (None, 3))
    assert read_signature(told) == Signature((spec,), (TensorSpec("x", "json", (None,)),))


@pytest.mark.parametrize(
    "wrong",
    [
        *(None, [], "x", [GOOD, GOOD], [None]),
        *([{**GOOD, "name": 1}], [{**GOOD, "name": ""}], [{**GOOD, "name": "\x1b"}], [{**GOOD, "name": "n" * 501}]),
        *([{**GOOD, "dtype": "object"}], [{**GOOD, "dtype": None}], [{**GOOD, "shape": []}], [{**GOOD, "shape": 3}]),
        *(
            [{**GOOD, "shape": [True]}],
            [{**GOOD, "shape": [-1]}],
            [{**GOOD, "shape": [0.5]}],
            [{**GOOD, "shape": [None] * 17}],
        ),
    ],
)
def test_what_is_no_signature_is_refused(wrong: object) -> None:
    with pytest.raises(DomainError):
        read_signature({"inputs": wrong, "outputs": [GOOD]})
