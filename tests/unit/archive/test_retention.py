"""Archived rows go when their workspace keeps them no longer, and whoever reads is told."""

import pytest
from archived_pipeline import DAY_MS, Archived

from modelyard.core.access.permissions import Role
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.monitoring.inference_log import RequestQuery
from modelyard.core.monitoring.retention import keep_logs, log_retention
from modelyard.core.serving.pipelines import delete_pipeline


def log_days(archived: Archived, *ages: int) -> None:
    """One row for each day, so many days ago; its value is the age."""
    now = archived.now_ms()
    for age in ages:
        archived.log([age], now - age * DAY_MS)
        archived.roll()
    archived.archive()


def keep(archived: Archived, days: int | None = None, max_bytes: int | None = None) -> None:
    archived.store.run_write(keep_logs, archived.actor, "w", days, max_bytes)
    archived.archive()


def test_without_a_limit_everything_stays(archived: Archived) -> None:
    log_days(archived, 400, 3, 1)
    kept = archived.store.run_read(log_retention, archived.actor, "w")
    assert (kept.days, kept.max_bytes) == (None, None)
    assert archived.values() == [400, 3, 1]


def test_what_is_older_than_its_days_goes_with_its_file(archived: Archived) -> None:
    log_days(archived, 40, 10, 1)
    keep(archived, days=20)
    assert archived.values() == [10, 1]
    assert len(archived.parquet()) == len(archived.files()) == 2


def test_the_oldest_goes_when_there_are_too_many_bytes(archived: Archived) -> None:
    log_days(archived, 40, 10, 1)
    two = sum(sorted(file.size for file in archived.files())[:2])
    keep(archived, max_bytes=two + 100)
    assert archived.values() == [10, 1]


def test_a_partition_begins_with_the_first_row_that_was_kept(archived: Archived) -> None:
    log_days(archived, 40, 10, 1)
    keep(archived, days=20)
    part = archived.reader.partitions(archived.pipeline.id)["w1-000000"]
    assert (part.start, part.end) == (1, 3)


def test_a_cursor_into_what_is_gone_goes_on_with_what_was_kept(archived: Archived) -> None:
    log_days(archived, 40, 30, 10, 1)
    first = archived.reader.requests(archived.pipeline.id, RequestQuery(limit=1))
    keep(archived, days=20)
    rest = archived.reader.requests(archived.pipeline.id, RequestQuery(cursor=first.next))
    assert [request.first for request in rest.requests] == [2, 3]


def test_rows_after_everything_archived_went_keep_their_numbers(archived: Archived) -> None:
    log_days(archived, 40, 30)
    keep(archived, days=20)
    assert archived.reader.partitions(archived.pipeline.id) == {}
    archived.log([0], archived.now_ms())
    part = archived.reader.partitions(archived.pipeline.id)["w1-000000"]
    assert (part.start, part.end) == (2, 3)


@pytest.mark.parametrize(("days", "max_bytes"), [(0, None), (None, -1), (10**9, None)])
def test_a_limit_that_makes_no_sense_is_refused(archived: Archived, days: int | None, max_bytes: int | None) -> None:
    with pytest.raises(DomainError) as refused:
        archived.store.run_write(keep_logs, archived.actor, "w", days, max_bytes)
    assert refused.value.kind is ErrorKind.INVALID


def test_only_who_manages_the_workspace_may_say(archived: Archived) -> None:
    user = archived.store.run_write(add_user, NewUser("stranger", None, None, (Role.USER,)))
    stranger = archived.store.run_read(load_actor, user.id, None)
    for use_case, asked in ((keep_logs, ("w", 1, None)), (log_retention, ("w",))):
        with pytest.raises(DomainError) as refused:
            archived.store.run_write(use_case, stranger, *asked)
        assert refused.value.kind is ErrorKind.NOT_FOUND


def test_a_deleted_pipeline_takes_its_log_with_it(archived: Archived) -> None:
    log_days(archived, 1)
    archived.log([2], 10**12)
    archived.store.run_write(delete_pipeline, archived.actor, archived.pipeline.workspace_id, "p")
    archived.close()
    archived.archive()
    assert not archived.files()
    assert not archived.parquet()
    assert not archived.segments()
