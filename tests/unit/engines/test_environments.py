"""Environments of models: what is locked, built, shared, kept and removed. With the real uv, on packages made here."""

import os
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from modelyard.core.catalogue.runtimes import Environment
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.engines.environments import SERVER_PYTHON, Environments, Packages
from tiny_wheels import make_wheel

AT_ONCE = timedelta(seconds=-1)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    make_wheel(folder, "grass", "1.0")
    make_wheel(folder, "grass", "2.0")
    make_wheel(folder, "sheep", "1.0", "grass<2")
    make_wheel(folder, "goat", "1.0", "grass>=2")
    return folder


@pytest.fixture
def environments(tmp_path: Path, wheels: Path) -> Environments:
    return Environments(tmp_path / "environments", Packages(folders=(wheels,), offline=True))


def said_by(python: Path, code: str) -> str:
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def refusal(call: Callable[[], object]) -> DomainError:
    with pytest.raises(DomainError) as caught:
        call()
    return caught.value


def test_a_lock_pins_every_package_that_is_needed_with_its_hash(environments: Environments) -> None:
    locked = environments.lock(["Sheep>=1"])

    assert locked.requested == ["sheep>=1"]
    assert locked.python == SERVER_PYTHON
    lines = locked.lock.splitlines()
    assert lines[0::2] == ["grass==1.0 \\", "sheep==1.0 \\"]
    assert all(line.startswith("    --hash=sha256:") for line in lines[1::2])


def test_the_same_lock_has_the_same_id_whatever_was_asked_for(environments: Environments) -> None:
    short, long = environments.lock(["sheep"]), environments.lock(["grass<2", "sheep==1.0", "sheep"])

    assert (short.id, short.lock) == (long.id, long.lock)
    assert short.requested != long.requested
    assert environments.lock(["goat"]).id != short.id


def test_packages_that_exclude_each_other_are_told_with_the_reason(environments: Environments) -> None:
    error = refusal(lambda: environments.lock(["sheep", "goat"]))

    assert error.kind is ErrorKind.INVALID
    assert error.message.startswith("these packages do not go together: Because ")
    for word in ("sheep", "goat", "grass<2", "grass>=2", "unsatisfiable"):
        assert word in error.message
    assert "\n" not in error.message


def test_a_package_that_nobody_has_is_named(environments: Environments, wheels: Path) -> None:
    error = refusal(lambda: environments.lock(["unicorn"]))

    assert error.kind is ErrorKind.INVALID
    assert "unicorn was not found" in error.message
    assert str(wheels) not in error.message


def test_what_is_no_package_is_refused_before_uv_sees_it(environments: Environments, wheels: Path) -> None:
    for line in (f"-f {wheels}", f"grass @ file://{wheels}", "-r /etc/passwd"):
        assert refusal(lambda line=line: environments.lock([line])).kind is ErrorKind.INVALID


@pytest.mark.parametrize("python", ["", "2.7", "3", "3.11.4", "3.11 --offline", "/bin/sh"])
def test_what_is_no_version_of_python_is_refused(environments: Environments, python: str) -> None:
    assert "is not a version of Python" in refusal(lambda: environments.lock(["grass"], python)).message


def test_a_version_of_python_that_this_machine_lacks_is_told(environments: Environments) -> None:
    error = refusal(lambda: environments.lock(["grass"], "3.99"))

    assert error.kind is ErrorKind.INVALID
    assert error.message.startswith("this server has no such Python: ")


def test_which_versions_of_python_there_are_can_be_asked(environments: Environments) -> None:
    assert environments.has_python(SERVER_PYTHON)
    assert not environments.has_python("3.99")
    assert not environments.has_python("/bin/sh")


def test_an_environment_holds_the_locked_packages_and_no_others(environments: Environments) -> None:
    lines: list[str] = []

    python = environments.ensure(environments.lock(["sheep"]), lines.append)

    assert said_by(python, "import grass, sheep; print(grass.VERSION, sheep.VERSION)") == "1.0 1.0"
    listed = "import importlib.metadata as m; print(sorted(d.name for d in m.distributions()))"
    assert said_by(python, listed) == "['grass', 'sheep']"
    assert " + grass==1.0" in lines


def test_an_empty_lock_is_a_bare_interpreter(environments: Environments) -> None:
    locked = environments.lock([])

    assert locked.lock == ""
    assert said_by(environments.ensure(locked), "print('here')") == "here"


def test_the_log_shows_no_path_of_the_machine(environments: Environments, tmp_path: Path) -> None:
    lines: list[str] = []

    environments.ensure(environments.lock(["sheep"]), lines.append)

    assert lines
    assert str(tmp_path) not in "\n".join(lines)


def test_nothing_can_be_written_in_it(environments: Environments) -> None:
    place = environments.ensure(environments.lock(["sheep"])).parents[1]

    paths = [Path(at) / name for at, folders, names in os.walk(place) for name in (".", *folders, *names)]
    assert len(paths) > 20
    assert [path for path in paths if not path.is_symlink() and path.stat().st_mode & 0o222] == []


def test_the_modules_are_compiled_already(environments: Environments) -> None:
    python = environments.ensure(environments.lock(["sheep"]))

    assert said_by(python, "import sheep, os; print(os.path.exists(sheep.__cached__))") == "True"


def test_equal_locks_share_an_environment_and_different_ones_their_files(environments: Environments) -> None:
    first, second = environments.lock(["sheep"]), environments.lock(["grass<2"])

    assert environments.ensure(first) == environments.ensure(environments.lock(["grass", "sheep"]))
    ways = [environments.ensure(each).parents[1] for each in (first, second)]

    assert ways[0] != ways[1]
    module = f"lib/python{SERVER_PYTHON}/site-packages/grass.py"
    assert (ways[0] / module).samefile(ways[1] / module)
    assert {each.id for each in environments.built()} == {first.id, second.id}


@pytest.mark.alone
def test_one_that_is_built_is_there_in_milliseconds(environments: Environments) -> None:
    locked = environments.lock(["sheep"])
    environments.ensure(locked)

    started = time.perf_counter()
    for _ in range(100):
        environments.ensure(locked)

    assert (time.perf_counter() - started) / 100 < 0.005


def test_what_is_built_is_listed_with_its_size_and_use(environments: Environments) -> None:
    assert environments.built() == []
    locked = environments.lock(["sheep"])
    place = environments.ensure(locked).parents[1]

    [built] = environments.built()

    assert (built.id, built.python, built.packages) == (locked.id, SERVER_PYTHON, ["grass==1.0", "sheep==1.0"])
    assert 1000 < built.bytes < 2**20
    assert timedelta(0) <= built.used_at - built.built_at < timedelta(seconds=30)
    assert place in environments.readable(locked.id)


def test_what_a_process_may_read_is_enough_to_run_in_it(environments: Environments) -> None:
    locked = environments.lock(["sheep"])
    python = environments.ensure(locked)

    prefixes = said_by(python, "import sys; print(sys.prefix, sys.base_prefix)").split()

    assert tuple(map(Path, prefixes)) == environments.readable(locked.id)
    assert refusal(lambda: environments.readable("0" * 64)).kind is ErrorKind.NOT_FOUND


def test_the_environment_variables_of_the_server_do_not_count(
    environments: Environments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    make_wheel(other, "grass", "3.0")
    make_wheel(other, "unicorn", "1.0")
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").write_text(f'find-links = ["{other}"]')
    monkeypatch.setenv("UV_FIND_LINKS", str(other))
    monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "uv" / "uv.toml"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_FIND_LINKS", str(other))

    assert "grass==2.0" in environments.lock(["grass"]).lock
    assert "not found" in refusal(lambda: environments.lock(["unicorn"])).message


def test_a_wheel_that_is_not_the_locked_one_is_refused(
    environments: Environments, wheels: Path, tmp_path: Path
) -> None:
    locked = environments.lock(["grass==1.0"])
    make_wheel(wheels, "grass", "1.0", files={"evil.py": "print('canary')"})
    elsewhere = Environments(tmp_path / "elsewhere", Packages(folders=(wheels,), offline=True))

    error = refusal(lambda: elsewhere.ensure(locked))

    assert error.kind is ErrorKind.FAILED_PRECONDITION
    assert error.message.startswith("a package is not the one that was locked: ")
    assert elsewhere.built() == []


def test_a_wheel_that_was_exchanged_after_the_lock_is_never_installed(environments: Environments, wheels: Path) -> None:
    locked = environments.lock(["grass==1.0"])
    make_wheel(wheels, "grass", "1.0", files={"evil.py": "print('canary')"})

    python = environments.ensure(locked)  # from the cache, where the locked one is

    assert said_by(python, "import importlib.util as i; print(i.find_spec('evil'))") == "None"


@pytest.mark.parametrize(
    "text", ["--index-url https://evil.example\n", "grass==1.0\n", "grass @ file:///x --hash=sha256:" + "0" * 64 + "\n"]
)
def test_a_lock_that_is_none_never_reaches_uv(environments: Environments, text: str) -> None:
    locked = environments.lock(["grass"])
    forged = Environment(locked.id, locked.python, locked.requested, text, locked.created_at)

    assert "is not a package with its hashes" in refusal(lambda: environments.ensure(forged)).message
    assert environments.built() == []


@pytest.mark.parametrize("name", ["", "..", "cache", "../" + "0" * 61, "0" * 63, "A" * 64])
def test_an_id_is_no_path(environments: Environments, name: str) -> None:
    locked = environments.lock(["grass"])
    forged = Environment(name, locked.python, locked.requested, locked.lock, locked.created_at)

    assert refusal(lambda: environments.ensure(forged)).kind is ErrorKind.NOT_FOUND


def test_a_wheel_that_vanished_leaves_nothing_behind(environments: Environments, wheels: Path, tmp_path: Path) -> None:
    locked = environments.lock(["grass==1.0"])
    (wheels / "grass-1.0-py3-none-any.whl").unlink()

    assert "grass" in refusal(lambda: environments.ensure(locked)).message
    assert {path.name for path in (tmp_path / "environments").iterdir()} == {f"{locked.id}.lock", "cache"}


def test_one_whose_interpreter_is_gone_is_built_again(environments: Environments) -> None:
    locked = environments.lock(["sheep"])
    python = environments.ensure(locked)
    python.parent.chmod(0o700)
    python.unlink()
    python.symlink_to("/nowhere/python")

    assert said_by(environments.ensure(locked), "import sheep; print(sheep.VERSION)") == "1.0"


def installed(python: Path, name: str) -> Path:
    [found] = python.parents[1].glob(f"lib/*/site-packages/{name}")
    return found


def test_one_whose_files_were_changed_is_refused_until_it_is_built_again(environments: Environments) -> None:
    locked = environments.lock(["sheep"])
    python = environments.ensure(locked)
    module = installed(python, "sheep.py")
    was = module.read_bytes()
    module.chmod(0o600)
    module.write_bytes(was + b"VERSION = 'mine'")
    error = refusal(lambda: environments.ensure(locked))
    assert error.kind is ErrorKind.FAILED_PRECONDITION
    assert f"files of environment {locked.id[:12]} were changed after it was built: lib/" in error.message
    assert "site-packages/sheep.py; remove its folder and environments/cache" in error.message
    module.write_bytes(was)  # at another time, but the same
    assert environments.ensure(locked) == python
    assert environments.changed(fully=True) == {locked.id: []}


def test_packages_that_came_or_went_are_noticed_and_bytecode_is_not(environments: Environments) -> None:
    locked = environments.lock(["sheep"])
    python = environments.ensure(locked)
    folder = installed(python, "sheep.py").parent
    for place in (folder, folder / "__pycache__"):
        place.chmod(0o700)
    (folder / "__pycache__" / "sheep.cpython-399.pyc").write_bytes(b"")
    assert environments.ensure(locked) == python
    (folder / "wolf.py").write_text("")
    (folder / "grass.py").unlink()
    (folder / "__pycache__" / "link").symlink_to("/")
    assert [Path(name).name for name in environments.changed()[locked.id] or ()] == ["grass.py", "wolf.py"]
    assert "grass.py and 1 more;" in refusal(lambda: environments.ensure(locked)).message


def test_only_what_nobody_wants_is_removed(environments: Environments, tmp_path: Path) -> None:
    wanted, unwanted = environments.lock(["sheep"]), environments.lock(["goat"])
    for each in (wanted, unwanted):
        environments.ensure(each)

    assert environments.collect([wanted.id], timedelta(hours=1)) == []
    assert environments.collect([wanted.id], AT_ONCE) == [unwanted.id]

    assert [each.id for each in environments.built()] == [wanted.id]
    assert not list((tmp_path / "environments").glob(f"{unwanted.id}*"))
    assert said_by(environments.ensure(unwanted), "import goat; print(goat.VERSION)") == "1.0"


def test_the_room_of_what_is_removed_is_free_again(environments: Environments, tmp_path: Path) -> None:
    wanted, unwanted = environments.lock(["sheep"]), environments.lock(["goat", "grass==2.0"])
    for each in (wanted, unwanted):
        environments.ensure(each)
    cache = tmp_path / "environments" / "cache"
    assert list(cache.rglob("goat.py"))

    environments.collect([wanted.id], AT_ONCE)

    assert not list(cache.rglob("goat.py"))
    assert list(cache.rglob("sheep.py"))


def test_asking_for_one_keeps_it_from_being_removed(environments: Environments) -> None:
    locked = environments.lock(["sheep"])
    place = environments.ensure(locked).parents[1]
    os.utime(place / "environment.json", (0, 0))

    environments.ensure(locked)

    assert environments.collect([], timedelta(hours=1)) == []
    os.utime(place / "environment.json", (0, 0))
    assert environments.collect([], timedelta(hours=1)) == [locked.id]


def test_collecting_before_the_first_build_finds_nothing(environments: Environments, tmp_path: Path) -> None:
    assert environments.collect([], AT_ONCE) == []
    assert not (tmp_path / "environments").exists()
