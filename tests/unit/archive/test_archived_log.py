"""Archived rows and those in segments are one log: whoever reads cannot tell where a row is."""

import shutil
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from archived_pipeline import DAY_MS, Archived, pages, plain, requests

from modelyard.core.monitoring.inference_log import LogReader, RequestQuery, Stream
from modelyard.segments.reader import SegmentReader


def mixed_log(archived: Archived) -> None:
    """Rows of two processes over three days: all that a request may have, schemas that come and go."""
    for n in range(60):
        time = n * DAY_MS // 20
        archived.log([n, n + 0.5], time, "w1", request_id=f"id-{n}" if n % 3 else "", target="abc"[n % 3])
        archived.log([n + 0.25], time + n % 2, "w2", extra={"name": [f"name {n}"]} if n % 10 == 7 else {})
        if n % 4 == 0:
            archived.log([n + 0.75, n + 0.8], time, "w2", routing={"split": [0, 1], "all": -1})
            archived.log([n + 0.9], time, "w1", checks={"low": np.array([n % 8 == 0])})
        if n % 15 == 14:
            archived.roll()


def everything(reader: LogReader, pipeline_id: int, asked: dict[str, Any]) -> Any:
    found = pages(reader, pipeline_id, noted=True, **asked)
    return [(page.status, page.rows.rows, plain(page.rows.columns)) for page in found]


def seen(reader: LogReader, pipeline_id: int, **asked: Any) -> Any:
    fields = ("request_id", "time", "target", "routing", "partition", "first", "rows")
    found = requests(reader, pipeline_id, **asked)
    return [([getattr(each, name) for name in fields], plain(dict(each.columns))) for each in found]


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_pages_are_the_same_before_and_after(archived: Archived, size: int, newest_first: bool) -> None:
    mixed_log(archived)
    asked = {"size": size, "newest_first": newest_first}
    before = everything(SegmentReader(archived.logs), archived.pipeline.id, asked)
    archived.archive()
    assert archived.files()
    assert everything(archived.reader, archived.pipeline.id, asked) == before


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"limit": 3},
        {"limit": 5, "newest_first": True},
        {"target": "b"},
        {"request_id": "id-13"},
        {"request_id": "w1-000000:0"},
        {"request_id": "no:thing"},
        {"start": datetime(1970, 1, 2, tzinfo=UTC), "end": datetime(1970, 1, 3, tzinfo=UTC), "limit": 4},
        {"start": datetime(1970, 1, 2, tzinfo=UTC), "newest_first": True, "limit": 4},
    ],
)
def test_requests_and_tallies_are_the_same_before_and_after(archived: Archived, asked: dict[str, Any]) -> None:
    mixed_log(archived)
    about = {name: value for name, value in asked.items() if name not in ("limit", "newest_first")}
    plain_reader = SegmentReader(archived.logs)
    before = seen(plain_reader, archived.pipeline.id, **asked)
    counted = plain_reader.tallies(archived.pipeline.id, RequestQuery(**about))
    archived.close()
    archived.archive()
    assert not archived.segments()
    assert seen(archived.reader, archived.pipeline.id, **asked) == before
    assert archived.reader.tallies(archived.pipeline.id, RequestQuery(**about)) == counted


def test_a_cursor_from_before_goes_on_after_rows_were_archived_and_merged(archived: Archived) -> None:
    mixed_log(archived)
    whole = [each[0] for each in seen(archived.reader, archived.pipeline.id)]
    found, cursor, reader = [], None, archived.reader
    for _ in range(len(whole)):
        page = reader.requests(archived.pipeline.id, RequestQuery(limit=9, cursor=cursor))
        found += [each.first for each in page.requests]
        cursor = page.next
        archived.roll()
        archived.archive()
        if not page.more:
            break
    assert found == [row[5] for row in whole]


def test_partitions_are_told_as_before(archived: Archived) -> None:
    mixed_log(archived)
    before = {n: (p.start, p.end) for n, p in archived.reader.partitions(archived.pipeline.id).items()}
    archived.archive()
    after = archived.reader.partitions(archived.pipeline.id)
    assert {name: (part.start, part.end) for name, part in after.items()} == before
    assert all(part.size > 0 for part in after.values())


def test_a_file_holds_one_day_and_schema_sorted_by_time(archived: Archived) -> None:
    mixed_log(archived)
    archived.close()
    archived.archive()
    for path, entry in zip(archived.parquet(), sorted(archived.files(), key=lambda file: file.path), strict=True):
        table = pq.read_table(path)
        places = table.select(["time", "metadata.partition", "metadata.row"]).to_pylist()
        rows = [tuple(place.values()) for place in places]
        assert rows == sorted(rows)
        assert {time.strftime("%Y-%m-%d") for time, _, _ in rows} == {entry.day}
        assert f"day={entry.day}" in str(path)
        assert len(rows) == entry.rows
        assert path.stat().st_size == entry.size


def test_streams_stay_apart(archived: Archived) -> None:
    archived.log([1], 1)
    archived.log([2], 2, stream=Stream.SHADOW)
    archived.close()
    archived.archive()
    assert archived.values() == [1]
    assert archived.values(Stream.SHADOW) == [2]


def test_what_a_process_still_writes_is_left_to_it(archived: Archived) -> None:
    archived.log([1], 1)
    archived.archive()
    assert len(archived.segments()) == 1
    archived.log([2], 2)
    assert archived.values() == [1, 2]


def test_a_clock_that_goes_back_loses_nothing(archived: Archived) -> None:
    for value, time in enumerate([5000, 3000, 9000, 1000]):
        archived.log([value], time)
        archived.roll()
    archived.archive()
    assert archived.values() == [0, 1, 2, 3]


def test_many_small_files_become_few(archived: Archived) -> None:
    for n in range(40):
        archived.log([n], n, f"w{n % 3}")
        archived.roll()
        if n % 5 == 0:
            archived.archive()
    archived.close()
    archived.archive()
    assert len(archived.parquet()) == len(archived.files()) == 1
    assert archived.values() == list(range(40))


def test_a_damaged_segment_is_kept_with_what_cannot_be_read(archived: Archived) -> None:
    archived.log([1], 1)
    archived.log([2], 2)
    archived.close()
    [path] = archived.segments()
    content = bytearray(path.read_bytes())
    content[-1] ^= 255
    path.write_bytes(content)
    archived.archive()
    assert archived.values() == [1]
    assert [each.name for each in path.parent.iterdir()] == [f"{path.name}.damaged"]


def test_a_reader_that_looked_before_finds_what_was_archived_meanwhile(archived: Archived) -> None:
    mixed_log(archived)
    reader = archived.reader
    before = seen(reader, archived.pipeline.id)
    archived.close()
    archived.archive()
    assert seen(reader, archived.pipeline.id) == before
    shutil.rmtree(archived.logs)
    assert seen(reader, archived.pipeline.id) == before
