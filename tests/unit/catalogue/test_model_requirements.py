"""What is read from the files that lie beside models."""

import pytest

from modelyard.core.catalogue.model_requirements import (
    FILE_MAX,
    ModelRequirements,
    read_model_requirements,
    read_requirements,
)
from modelyard.core.kernel.errors import DomainError, ErrorKind

# As MLflow writes them beside a model.
CONDA = b"""
channels:
- conda-forge
dependencies:
- python=3.11.4
- pip<=23.2.1
- pip:
  - mlflow==3.17.0
  - scikit-learn==1.7.2
name: mlflow-env
"""
PYTHON_ENV = b"""
python: 3.10
build_dependencies:
- pip==23.2.1
- setuptools==68.0.0
dependencies:
- -r requirements.txt
"""


def refusal(**files: bytes) -> str:
    with pytest.raises(DomainError) as caught:
        read_model_requirements(
            {name.replace("_txt", ".txt").replace("_yaml", ".yaml"): f for name, f in files.items()}
        )
    assert caught.value.kind is ErrorKind.INVALID
    return caught.value.message


def test_the_pip_entries_and_the_python_of_a_conda_file_count() -> None:
    read = read_model_requirements({"conda.yaml": CONDA})

    assert read == ModelRequirements(["mlflow==3.17.0", "scikit-learn==1.7.2"], "3.11", ())


def test_packages_of_conda_are_named_as_not_honoured() -> None:
    files = {"conda.yaml": b"dependencies: [python>=3.9, 'conda-forge::cudatoolkit=11.8', gdal, pip, {pip: [six]}]"}

    assert read_model_requirements(files) == ModelRequirements(["six"], None, ("cudatoolkit", "gdal"))


def test_a_python_environment_refers_to_the_requirements_beside_it() -> None:
    files = {"python_env.yaml": PYTHON_ENV, "requirements.txt": b"\xef\xbb\xbfsix\r\nnumpy<2\r\n", "conda.yaml": CONDA}

    assert read_model_requirements(files) == ModelRequirements(["numpy<2", "six"], "3.10")


def test_requirements_alone_are_enough_and_nothing_is_nothing() -> None:
    assert read_model_requirements({"requirements.txt": b"six"}) == ModelRequirements(["six"])
    assert read_model_requirements({"README.md": b"six"}) is None


def test_a_reference_to_a_file_that_is_not_there_is_refused() -> None:
    assert "which is not there" in refusal(python_env_yaml=PYTHON_ENV)


@pytest.mark.parametrize(
    "entry",
    ["-r ../secrets.txt", "-r requirements.txt --pre", "--index-url=https://evil.example", "-e .", "six @ file:///x"],
)
def test_no_other_option_or_address_is_followed(entry: str) -> None:
    conda = f"dependencies: [pip, {{pip: ['{entry}']}}]".encode()

    assert refusal(conda_yaml=conda, requirements_txt=b"six").startswith("conda.yaml: line 1 of the requirements, ")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"dependencies: [&a [six], *a]", "aliases are not allowed"),
        (b"a: &a [x,x]\nb: &b [*a,*a]\ndependencies: [*b]", "aliases are not allowed"),
        (b"dependencies: " + b"[" * 100_000, "conda.yaml is not a YAML file"),
        (b"dependencies: {{", "conda.yaml is not a YAML file"),
        (b"\xff\xfe\xff", "conda.yaml is not a YAML file"),
        (b"x" * (FILE_MAX + 1), f"at most {FILE_MAX} are read"),
        (b"dependencies: six", "no list of dependencies"),
        (b"- six", "no list of dependencies"),
        (b"dependencies: [{pip: six}]", "neither packages nor a list"),
        (b"dependencies: [{pip: [six], apt: [x]}]", "neither packages nor a list"),
        (b"dependencies: [{pip: [[six]]}]", "no texts"),
        (b"dependencies: ['$(evil)']", "which is no package"),
    ],
)
def test_files_that_are_no_such_files_are_refused(content: bytes, reason: str) -> None:
    assert reason in refusal(conda_yaml=content)


def test_tags_make_no_objects() -> None:
    content = b"dependencies: [pip, {pip: !!python/object/apply:os.system ['touch canary/here']}]"

    assert "names a file" in refusal(conda_yaml=content)


def test_requirements_that_are_no_text_are_refused() -> None:
    with pytest.raises(DomainError, match=r"needs\.txt is not UTF-8 text"):
        read_requirements(b"\xff\xfe", "needs.txt")
