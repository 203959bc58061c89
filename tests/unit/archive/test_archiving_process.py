"""The process that archives, as the controller starts it."""

from pathlib import Path

from archived_pipeline import Archived

from modelyard.bootstrap.archiving import Archiving
from modelyard.segments.ownership import unowned_segments
from modelyard.settings import Settings


def test_the_process_archives_what_lies_in_the_data_folder(archived: Archived, tmp_path: Path) -> None:
    archived.log([1, 2, 3], 5)
    assert not unowned_segments(archived.logs)
    archived.roll()
    assert unowned_segments(archived.logs)
    Archiving(Settings(data=tmp_path, database=str(archived.store._writer.url))).work()
    assert not archived.segments()
    assert archived.values() == [1, 2, 3]


def test_nothing_is_looked_for_before_the_server_has_started(archived: Archived, tmp_path: Path) -> None:
    archived.log([1], 5)
    archived.close()
    Archiving(Settings(data=tmp_path, database=str(archived.store._writer.url))).run_once()
    assert len(archived.segments()) == 1
