"""What Python made of modules is shared by environments that share the modules."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from modelyard.engines.environments import Environments, Packages
from tiny_wheels import make_wheel


@pytest.fixture
def environments(tmp_path: Path) -> Environments:
    make_wheel(tmp_path / "wheels", "sheep", "1.0", files={"herd/one.py": "N = 1\n", "herd/two.py": "N = 2\n"})
    make_wheel(tmp_path / "wheels", "wolf", "1.0")
    return Environments(tmp_path / "environments", Packages(folders=(tmp_path / "wheels",), offline=True))


def built(environments: Environments, *names: str) -> Path:
    """The interpreter of an environment with these packages."""
    return environments.ensure(environments.lock(names))


def compiled(python: Path) -> dict[str, Path]:
    """What was compiled, by the module; each module was."""
    (packages,) = python.parents[1].glob("lib/python*/site-packages")
    found = {str(path.relative_to(packages)).split(".")[0]: path for path in packages.rglob("*.pyc")}
    modules = {f"{path.parent.relative_to(packages)}/__pycache__/{path.stem}" for path in packages.rglob("*.py")}
    assert {name.removeprefix("./") for name in modules} == set(found)
    return found


def number(python: Path) -> bytes:
    return subprocess.run([python, "-I", "-c", "import herd.one; print(herd.one.N)"], capture_output=True).stdout  # noqa: PLW1510


def test_modules_of_a_package_are_compiled_once_for_all_environments(environments: Environments) -> None:
    first, second = compiled(built(environments, "sheep")), compiled(built(environments, "sheep", "wolf"))
    assert {name for name in first if "herd" in name or "sheep" in name} == {
        "__pycache__/sheep",
        "herd/__pycache__/one",
        "herd/__pycache__/two",
    }
    shared = {name for name in second if name in first and first[name].samefile(second[name])}
    assert shared == {name for name in second if "wolf" not in name} - {"__pycache__/_virtualenv"}
    assert "__pycache__/wolf" in second


def test_what_does_not_belong_to_a_module_is_compiled_anew(environments: Environments) -> None:
    before = compiled(built(environments, "sheep"))["herd/__pycache__/one"]
    before.chmod(0o644)
    before.write_bytes(b"no code of this module")
    python = built(environments, "sheep", "wolf")
    after = compiled(python)["herd/__pycache__/one"]
    assert not after.samefile(before)
    assert after.read_bytes() != before.read_bytes()
    assert number(python) == b"1\n"


def test_an_environment_stays_whole_when_the_one_it_shares_with_is_removed(environments: Environments) -> None:
    first = environments.lock(["sheep"])
    environments.ensure(first)
    python = built(environments, "sheep", "wolf")
    kept = environments.lock(["sheep", "wolf"]).id
    assert environments.collect([kept], timedelta(seconds=-1)) == [first.id]
    assert compiled(python)["herd/__pycache__/one"].exists()
    assert number(python) == b"1\n"


def test_nothing_of_a_package_is_run_while_its_environment_is_built(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    evil = f"import pathlib; pathlib.Path({str(canary)!r}).touch()\n"
    names = ("evil.pth", "sitecustomize.py", "usercustomize.py", "compileall.py", "os.py", "sheep/__init__.py")
    make_wheel(tmp_path / "wheels", "wolf", "1.0", files=dict.fromkeys(names, evil))
    environments = Environments(tmp_path / "environments", Packages(folders=(tmp_path / "wheels",), offline=True))
    python = built(environments, "wolf")
    assert "__pycache__/sitecustomize" in compiled(python)
    assert not canary.exists()
    assert number(python) == b""
    assert canary.exists()  # it would have been seen


def test_what_a_package_brings_compiled_is_not_used(tmp_path: Path, environments: Environments) -> None:
    tag = sys.implementation.cache_tag
    make_wheel(tmp_path / "wheels", "fox", "1.0", files={f"herd/__pycache__/one.{tag}.pyc": "for the herd"})
    for names in (["sheep", "fox"], ["sheep", "wolf"]):
        python = built(environments, *names)
        assert compiled(python)["herd/__pycache__/one"].read_bytes() != b"for the herd"
        assert number(python) == b"1\n"
