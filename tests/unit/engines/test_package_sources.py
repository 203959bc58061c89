"""Where packages are taken from: folders before indexes, an index of one's own, and source packages where allowed."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest

from modelyard.bootstrap.environments import packages as packages_of
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.engines.environments import Environments, Packages
from modelyard.settings import Settings
from package_folders import has_wheel, packages
from tiny_wheels import make_source, make_wheel


@contextmanager
def index_of(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A package index (PEP 503) of ``folder/<package>/<wheel>``: its address, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def refusal(environments: Environments, *requirements: str) -> DomainError:
    with pytest.raises(DomainError) as caught:
        environments.lock(requirements)
    return caught.value


def test_a_package_of_a_folder_is_taken_from_no_index(tmp_path: Path) -> None:
    make_wheel(tmp_path / "own", "secret_model", "1.0")
    make_wheel(tmp_path / "index" / "secret-model", "secret_model", "99.0")
    make_wheel(tmp_path / "index" / "grass", "grass", "2.0")

    with index_of(tmp_path / "index") as (url, asked):
        environments = Environments(tmp_path / "made", Packages(index=url, folders=(tmp_path / "own",)))
        locked = environments.lock(["secret-model", "grass"])
        python = environments.ensure(locked)
        error = refusal(environments, "secret-model>=2")

    assert [line for line in locked.lock.splitlines() if "==" in line] == ["grass==2.0 \\", "secret-model==1.0 \\"]
    code = "import secret_model; print(secret_model.VERSION)"
    assert subprocess.run([python, "-I", "-c", code], capture_output=True, check=True).stdout == b"1.0\n"
    assert any("grass" in path for path in asked)
    assert not [path for path in asked if "secret" in path]
    assert error.kind is ErrorKind.INVALID


def test_an_extra_index_comes_before_the_index(tmp_path: Path) -> None:
    make_wheel(tmp_path / "index" / "grass", "grass", "99.0")
    make_wheel(tmp_path / "extra" / "grass", "grass", "1.0")

    with index_of(tmp_path / "index") as (index, _), index_of(tmp_path / "extra") as (extra, _):
        environments = Environments(tmp_path / "made", Packages(index=index, extra_indexes=(extra,)))

        assert environments.lock(["grass"]).lock.startswith("grass==1.0 ")


def test_offline_asks_no_index(tmp_path: Path) -> None:
    make_wheel(tmp_path / "own", "sheep", "1.0", "grass")
    make_wheel(tmp_path / "index" / "grass", "grass", "1.0")

    with index_of(tmp_path / "index") as (url, asked):
        made = tmp_path / "made"
        closed = Environments(
            made, Packages(index=url, extra_indexes=(url,), folders=(tmp_path / "own",), offline=True)
        )
        error = refusal(closed, "sheep")
        nothing = refusal(Environments(made, Packages(index=url, offline=True)), "six")

    assert "grass was not found" in error.message
    assert "six was not found" in nothing.message
    assert asked == []


def test_several_folders_are_one_after_the_other(tmp_path: Path) -> None:
    make_wheel(tmp_path / "a folder", "grass", "1.0")
    make_wheel(tmp_path / "other", "grass", "2.0")
    make_wheel(tmp_path / "other", "sheep", "1.0", "grass")
    folders = (tmp_path / "a folder", tmp_path / "other")

    lock = Environments(tmp_path / "made", Packages(folders=folders, offline=True)).lock(["sheep"]).lock

    assert [line for line in lock.splitlines() if "==" in line] == ["grass==1.0 \\", "sheep==1.0 \\"]


def test_an_index_that_does_not_answer_is_no_fault_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with index_of(tmp_path) as (url, _):
        port = urlsplit(url).port
    address = f"http://reader:hunter22@127.0.0.1:{port}/simple"

    error = refusal(Environments(tmp_path / "made", Packages(index=address)), "six")

    assert error.kind is ErrorKind.UNAVAILABLE
    assert error.message.startswith("the packages could not be had: ")
    assert "hunter22" not in error.message


def test_an_index_that_never_answers_is_given_up_in_time(tmp_path: Path) -> None:
    make_wheel(tmp_path / "own", "sheep", "1.0")
    locked = Environments(tmp_path / "other", Packages(folders=(tmp_path / "own",), offline=True)).lock(["sheep"])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        packages = Packages(index=f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        environments = Environments(tmp_path / "made", packages, lock_seconds=1, build_seconds=1)
        error = refusal(environments, "sheep")
        with pytest.raises(DomainError, match="uv pip sync took longer than 1 s and was stopped"):
            environments.ensure(locked)

    assert error.kind is ErrorKind.TIMED_OUT
    assert error.message == "uv pip compile took longer than 1 s and was stopped"
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == [f"{locked.id}.lock", "cache"]


def test_source_packages_are_built_only_where_the_operator_says_so(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    make_source(tmp_path / "own", "sheep", "1.0", canary)
    closed = Packages(folders=(tmp_path / "own",), offline=True)
    error = refusal(Environments(tmp_path / "closed", closed), "sheep")

    assert error.kind is ErrorKind.INVALID
    assert "no usable wheels" in error.message
    assert not canary.exists()

    open_ = Environments(tmp_path / "open", Packages(folders=(tmp_path / "own",), offline=True, sources=True))
    python = open_.ensure(open_.lock(["sheep"]))

    assert canary.exists()
    assert subprocess.run([python, "-I", "-c", "import sheep"], check=True).returncode == 0


def test_a_locked_source_package_is_not_built_where_it_is_not_allowed(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    make_source(tmp_path / "own", "sheep", "1.0", canary)
    folders = (tmp_path / "own",)
    locked = Environments(tmp_path / "open", Packages(folders=folders, offline=True, sources=True)).lock(["sheep"])
    canary.unlink(missing_ok=True)

    closed = Environments(tmp_path / "closed", Packages(folders=folders, offline=True))
    with pytest.raises(DomainError):
        closed.ensure(locked)

    assert not canary.exists()
    assert closed.built() == []


def test_the_settings_say_where_from(tmp_path: Path) -> None:
    settings = Settings(
        package_index="https://reader:hunter22@packages.example.com/simple",
        package_extra_indexes=("https://more.example.com/simple",),
        package_folders=(str(tmp_path),),
        package_offline=True,
        package_sources=True,
    )

    found = packages_of(settings)

    assert found == Packages(
        index=settings.package_index,
        extra_indexes=settings.package_extra_indexes,
        folders=(tmp_path,),
        offline=True,
        sources=True,
    )
    assert "hunter22" not in repr(settings) + repr(found)
    assert Settings.from_json(settings.to_json()) == settings


@pytest.mark.skipif(not has_wheel("torch"), reason="no folder of wheels has torch")
def test_torch_is_taken_from_the_folder_alone(tmp_path: Path) -> None:
    environments = Environments(tmp_path / "made", packages())

    [torch] = [line for line in environments.lock(["torch"]).lock.splitlines() if line.startswith("torch==")]

    assert torch.startswith("torch==2.")
    assert "+cpu" in torch
    assert refusal(environments, "torch>=99").kind is ErrorKind.INVALID


def test_a_real_package_comes_from_the_real_index(tmp_path: Path) -> None:
    environments = Environments(tmp_path / "made")

    python = environments.ensure(environments.lock(["six==1.17.0"]))

    done = subprocess.run([python, "-I", "-c", "import six; print(six.__version__)"], capture_output=True, check=True)
    assert done.stdout == b"1.17.0\n"
