"""Files of jobs: only below the opened folders, only whole."""

import os
from pathlib import Path

import pytest

from modelyard.artifacts.data_files import LocalFiles
from modelyard.core.kernel.errors import DomainError


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    (tmp_path / "roots" / "ours").mkdir(parents=True)
    return LocalFiles([f"{tmp_path}/roots/{{namespace}}"], tmp_path / "roots" / "ours" / "server", 100)


def _uri(tmp_path: Path, name: str) -> str:
    return f"file://{tmp_path}/roots/ours/{name}"


def test_a_file_is_readable_up_to_the_limit(files: LocalFiles, tmp_path: Path) -> None:
    path = tmp_path / "roots" / "ours" / "in"
    path.write_bytes(b"x" * 100)
    assert files.readable(_uri(tmp_path, "in"), "ours") == path
    path.write_bytes(b"x" * 101)
    with pytest.raises(DomainError, match="at most 100 are allowed"):
        files.readable(_uri(tmp_path, "in"), "ours")


def test_what_is_no_file_is_neither_read_nor_replaced(files: LocalFiles, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "roots" / "ours" / "pipe")
    (tmp_path / "roots" / "ours" / "folder").mkdir()
    for name in ("pipe", "folder"):
        for use in (files.readable, files.writable):
            with pytest.raises(DomainError, match="is not a file"):
                use(_uri(tmp_path, name), "ours")
    with pytest.raises(DomainError, match="cannot be read"):
        files.readable(_uri(tmp_path, "none"), "ours")


def test_the_servers_own_folder_and_those_of_others_are_closed(files: LocalFiles, tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="own data folder"):
        files.writable(_uri(tmp_path, "server/modelyard.db"), "ours")
    with pytest.raises(DomainError, match="outside"):
        files.writable(_uri(tmp_path, "x"), "theirs")


def test_nothing_is_seen_before_it_is_kept_and_nothing_is_left(files: LocalFiles, tmp_path: Path) -> None:
    path = files.writable(_uri(tmp_path, "deep/out"), "ours")
    for keep in (False, True):
        with files.replacing(path, "job") as new:
            new.file.write(b"whole")
            assert not path.exists()
            if keep:
                new.keep()
        assert path.exists() is keep
        assert [file.name for file in path.parent.iterdir()] == (["out"] if keep else [])
    assert path.read_bytes() == b"whole"


def test_what_an_earlier_attempt_or_a_long_gone_job_left_is_removed(files: LocalFiles, tmp_path: Path) -> None:
    folder = tmp_path / "roots" / "ours"
    for name in (".job.1.partial", ".other.1.partial", ".old.1.partial"):
        (folder / name).touch()
    os.utime(folder / ".old.1.partial", (0, 0))
    with files.replacing(folder / "out", "job"):
        pass
    assert [file.name for file in folder.iterdir()] == [".other.1.partial"]
