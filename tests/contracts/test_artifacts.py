"""The artifact store's contract, on every adapter. Each test names one promise of ``core.catalogue.artifacts``."""

import hashlib
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from modelyard.artifacts.local import LocalArtifacts
from modelyard.core.catalogue.artifacts import ArtifactStore
from modelyard.core.kernel.errors import DomainError, ErrorKind

CONTENT = b"a model's bytes " * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()
ANY_AGE, AN_HOUR = timedelta(minutes=-1), timedelta(hours=1)
START = """
import sys
from datetime import timedelta
from pathlib import Path
from modelyard.artifacts.local import LocalArtifacts as Artifacts

def stop_here():
    print("here", flush=True)
    sys.stdin.read()
"""
HALFWAY = """
with Artifacts(Path(sys.argv[1])).upload(10**9) as upload:
    upload.write(b"a model's bytes")
    stop_here()
"""
FINISHED = """
with Artifacts(Path(sys.argv[1])).upload(10**9) as upload:
    upload.write(b"a model's bytes")
    upload.finish()
    stop_here()
"""
DELETING = """
artifacts = Artifacts(Path(sys.argv[1]))
artifacts.delete(artifacts.kept(timedelta(-1))[0], wanted=stop_here)
"""


@pytest.fixture(params=[LocalArtifacts])
def artifacts(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    made: ArtifactStore = request.param(tmp_path)
    return made


def keep(artifacts: ArtifactStore, content: bytes = CONTENT) -> str:
    with artifacts.upload(10**9) as upload:
        upload.write(content)
        sha = upload.finish()
        upload.keep()
    return sha


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def kind_of(action: Callable[[], object]) -> ErrorKind:
    with pytest.raises(DomainError) as caught:
        action()
    return caught.value.kind


def kill_in(program: str, folder: Path) -> None:
    """Run the program in a process of its own and kill that where it says ``stop_here``."""
    command = [sys.executable, "-c", START + program, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        process.kill()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Lets the operating system refuse files of more bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_kept_file_is_read_back_under_its_digest(artifacts: ArtifactStore) -> None:
    assert keep(artifacts) == SHA
    assert artifacts.path(SHA).read_bytes() == CONTENT
    artifacts.verify(SHA)


def test_content_may_arrive_in_pieces_of_any_size(artifacts: ArtifactStore) -> None:
    with artifacts.upload(10**9) as upload:
        for at in range(0, len(CONTENT), 777):
            upload.write(CONTENT[at : at + 777])
        upload.write(b"")
        assert (upload.size, upload.finish()) == (len(CONTENT), SHA)
        assert upload.path.read_bytes() == CONTENT


def test_an_upload_that_is_not_kept_leaves_nothing(artifacts: ArtifactStore, tmp_path: Path) -> None:
    with artifacts.upload(10**9) as upload:
        upload.write(CONTENT)
        upload.finish()
    assert files(tmp_path) == []
    assert kind_of(lambda: artifacts.path(SHA)) is ErrorKind.NOT_FOUND


def test_an_upload_that_breaks_off_leaves_nothing(artifacts: ArtifactStore, tmp_path: Path) -> None:
    def break_off() -> None:
        with artifacts.upload(10**9) as upload:
            upload.write(CONTENT)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        break_off()
    assert files(tmp_path) == []


def test_more_than_the_limit_is_too_large_and_leaves_nothing(artifacts: ArtifactStore, tmp_path: Path) -> None:
    with artifacts.upload(10) as upload:
        upload.write(b"0123456789")
        assert kind_of(lambda: upload.write(b"x")) is ErrorKind.TOO_LARGE
    assert files(tmp_path) == []


def test_equal_files_are_kept_once(artifacts: ArtifactStore, tmp_path: Path) -> None:
    assert {keep(artifacts), keep(artifacts)} == {SHA}
    assert files(tmp_path) == [artifacts.path(SHA)]


def test_keeping_twice_is_keeping_once(artifacts: ArtifactStore, tmp_path: Path) -> None:
    with artifacts.upload(10**9) as upload:
        upload.write(CONTENT)
        upload.finish()
        upload.keep()
        upload.keep()
    assert files(tmp_path) == [artifacts.path(SHA)]


def test_parallel_uploads_of_one_file_all_succeed(artifacts: ArtifactStore, tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def upload(_: int) -> str:
        together.wait()
        return keep(artifacts)

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(upload, range(8))) == {SHA}
    assert files(tmp_path) == [artifacts.path(SHA)]
    artifacts.verify(SHA)


def test_a_damaged_file_is_noticed_and_mended_by_uploading_it_again(artifacts: ArtifactStore) -> None:
    keep(artifacts)
    path = artifacts.path(SHA)
    path.write_bytes(CONTENT[:-1] + b"X")
    assert kind_of(lambda: artifacts.verify(SHA)) is ErrorKind.INTERNAL
    keep(artifacts)
    artifacts.verify(SHA)


def test_who_reads_a_file_is_not_disturbed_by_its_replacement_or_deletion(artifacts: ArtifactStore) -> None:
    keep(artifacts)
    with artifacts.path(SHA).open("rb") as reader:
        keep(artifacts)
        artifacts.delete(SHA, wanted=lambda: False)
        assert reader.read() == CONTENT


@pytest.mark.parametrize("sha", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 63 + "/", "0" * 64])
def test_what_is_not_kept_is_not_found(artifacts: ArtifactStore, sha: str) -> None:
    assert kind_of(lambda: artifacts.path(sha)) is ErrorKind.NOT_FOUND


def test_deleting_drops_the_file(artifacts: ArtifactStore, tmp_path: Path) -> None:
    keep(artifacts)
    assert artifacts.delete(SHA, wanted=lambda: False)
    assert files(tmp_path) == []
    assert not artifacts.delete(SHA, wanted=lambda: False)


def test_a_file_still_wanted_is_put_back(artifacts: ArtifactStore, tmp_path: Path) -> None:
    keep(artifacts)
    assert not artifacts.delete(SHA, wanted=lambda: True)
    assert files(tmp_path) == [artifacts.path(SHA)]


def test_a_file_is_out_of_the_way_when_it_is_asked_whether_it_is_wanted(artifacts: ArtifactStore) -> None:
    keep(artifacts)
    answers: list[ErrorKind] = []
    artifacts.delete(SHA, wanted=lambda: bool(answers.append(kind_of(lambda: artifacts.path(SHA)))))
    assert answers == [ErrorKind.NOT_FOUND]


def test_a_question_that_fails_puts_the_file_back(artifacts: ArtifactStore) -> None:
    keep(artifacts)

    def fail() -> bool:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        artifacts.delete(SHA, wanted=fail)
    artifacts.verify(SHA)


def test_a_file_uploaded_while_it_is_deleted_stays(artifacts: ArtifactStore, tmp_path: Path) -> None:
    keep(artifacts)
    artifacts.delete(SHA, wanted=lambda: keep(artifacts) == "")
    assert files(tmp_path) == [artifacts.path(SHA)]


def test_kept_tells_old_files_from_new_ones(artifacts: ArtifactStore) -> None:
    keep(artifacts)
    assert artifacts.kept(ANY_AGE) == [SHA]
    assert artifacts.kept(AN_HOUR) == []


@pytest.mark.parametrize("program", [HALFWAY, FINISHED])
def test_what_a_killed_upload_leaves_is_swept_away(artifacts: ArtifactStore, tmp_path: Path, program: str) -> None:
    kill_in(program, tmp_path)
    assert artifacts.kept(ANY_AGE) == []
    assert (artifacts.sweep(AN_HOUR), len(files(tmp_path))) == (0, 1)
    assert (artifacts.sweep(ANY_AGE), files(tmp_path)) == (1, [])


def test_what_a_killed_deletion_took_aside_is_put_back(artifacts: ArtifactStore, tmp_path: Path) -> None:
    keep(artifacts)
    kill_in(DELETING, tmp_path)
    assert kind_of(lambda: artifacts.path(SHA)) is ErrorKind.NOT_FOUND
    assert artifacts.sweep(ANY_AGE) == 1
    assert files(tmp_path) == [artifacts.path(SHA)]


def test_sweeping_touches_no_kept_file(artifacts: ArtifactStore) -> None:
    keep(artifacts)
    assert artifacts.sweep(ANY_AGE) == 0
    artifacts.verify(SHA)


def test_where_there_is_no_room_it_says_so_and_leaves_nothing(artifacts: ArtifactStore, tmp_path: Path) -> None:
    with pytest.raises(DomainError) as caught, artifacts.upload(10**9) as upload, largest_file(1000):
        upload.write(CONTENT)
    assert (caught.value.kind, caught.value.details) == (ErrorKind.UNAVAILABLE, {"full": True})
    assert files(tmp_path) == []
