"""What is kept outside the database notices what the database alone cannot."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit_chain import entries, tamper, write
from modelyard.bootstrap.audit_check import accept_audit, check_audit
from modelyard.bootstrap.audit_head import HeadFile
from modelyard.bootstrap.audit_watch import AuditWatch
from modelyard.core.audit.verification import BEGINNING, Anchor, head
from modelyard.core.kernel.errors import DomainError
from modelyard.settings import Settings
from modelyard.storage.store import SqlStore
from stores import migrated

_CUT = ("DELETE FROM audit_entries WHERE id > 2", "UPDATE audit_heads SET entry_id = 2, hash = :hash")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    return tmp_path


@pytest.fixture
def store(data: Path) -> Iterator[SqlStore]:
    made = SqlStore(migrated(data / "modelyard.db"))
    yield made
    made.close()


@pytest.fixture
def file(data: Path, store: SqlStore) -> HeadFile:
    made = HeadFile(data)
    made.begin(store)
    return made


@pytest.fixture
def watch(store: SqlStore, file: HeadFile) -> AuditWatch:
    return AuditWatch(store, file)


def cut(store: SqlStore) -> None:
    tamper(store, *_CUT, hash=entries(store)[1].hash)


def test_it_begins_with_the_log_and_follows_it(store: SqlStore, file: HeadFile, watch: AuditWatch) -> None:
    assert file.read() == BEGINNING
    write(store, 3)
    watch.run_once()
    assert file.read() == store.run_read(head)
    assert file.path.stat().st_mode & 0o077 == 0


def test_it_is_not_made_for_a_log_that_has_entries(data: Path, store: SqlStore) -> None:
    write(store)
    HeadFile(data).begin(store)
    assert not (data / "audit.head").exists()


def test_what_somebody_else_wrote_does_not_count(file: HeadFile, store: SqlStore) -> None:
    file.path.write_text(file.path.read_text().replace('"entry": 0', '"entry": 1'))
    with pytest.raises(DomainError, match="was not written by this server"):
        file.read()
    for content in ("", "{}", "[1]", '{"entry": "x"}'):
        file.path.write_text(content)
        with pytest.raises(DomainError, match="missing or damaged"):
            file.read()


def test_a_cut_end_is_told_once_and_never_noted(
    store: SqlStore, file: HeadFile, watch: AuditWatch, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(store, 4)
    watch.run_once()
    noted = file.read()
    cut(store)
    for _ in range(3):
        watch.run_once()
        write(store)
    assert file.read() == noted
    told = [line for line in caplog.messages if "needs an administrator" in line]
    assert [line.split(": ")[1] for line in told][:1] == ["entry 4 is missing; the log had come that far"]
    assert "entry 4 is not the one that was noted" in str(check_audit(Settings(data=data)).problem)


def test_an_end_that_was_cut_off_is_found_with_the_server_stopped(
    store: SqlStore, watch: AuditWatch, data: Path
) -> None:
    write(store, 4)
    watch.run_once()
    assert check_audit(Settings(data=data)).problem is None
    cut(store)
    finding = check_audit(Settings(data=data))
    assert finding.entries == 2
    assert str(finding.problem).startswith("entry 3 is missing: the end was cut off; the log had come to entry 4")


def test_a_missing_file_is_no_proof_of_anything(store: SqlStore, file: HeadFile, data: Path) -> None:
    write(store)
    file.path.unlink()
    finding = check_audit(Settings(data=data))
    assert finding.problem is None
    assert "--accept" in str(finding.warning)


def test_an_entry_noted_elsewhere_finds_what_even_the_folders_owner_did(
    store: SqlStore, file: HeadFile, watch: AuditWatch, data: Path
) -> None:
    write(store, 4)
    noted = store.run_read(head)
    cut(store)
    file.write(store.run_read(head))
    assert check_audit(Settings(data=data)).problem is None
    assert "the end was cut off" in str(check_audit(Settings(data=data), noted).problem)
    assert check_audit(Settings(data=data), Anchor(1, entries(store)[0].hash)).problem is None


def test_accepting_begins_anew_and_leaves_an_entry(store: SqlStore, watch: AuditWatch, data: Path) -> None:
    write(store, 4)
    watch.run_once()
    cut(store)
    finding = accept_audit(Settings(data=data), "ops")
    assert (finding.entries, finding.problem) == (3, None)
    last = entries(store)[-1]
    assert (last.action, last.actor_name) == ("audit.accept", "ops")
    assert "the end was cut off" in last.details["was"]
    write(store)
    watch.run_once()
    assert check_audit(Settings(data=data)).problem is None


def test_a_broken_chain_cannot_be_accepted(store: SqlStore, watch: AuditWatch, data: Path) -> None:
    write(store, 4)
    tamper(store, "DELETE FROM audit_entries WHERE id = 2")
    assert "entry 2 is missing" in str(accept_audit(Settings(data=data), "ops").problem)
    assert len(entries(store)) == 3


def test_a_folder_without_a_database_is_said_to_be_that(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="holds no database"):
        check_audit(Settings(data=tmp_path / "nowhere"))
