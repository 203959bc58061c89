"""The inference log on files: what is appended is what is read, whoever reads and however the writer died."""

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.monitoring.inference_log import Cursor, Page, PageRequest, PageStatus
from modelyard.core.serving.graph.compiling import compile_plan
from modelyard.core.serving.graph.nodes import Step
from modelyard.core.serving.graph.plan import model, plan
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.routes import Route
from modelyard.engines import onnx
from modelyard.segments.reader import SegmentReader
from modelyard.segments.writer import SegmentWriter

MODEL = Path(__file__).parents[3] / "examples" / "models" / "ccfraud.onnx"
PIPELINE = 7
LABEL = '{"model_name": "m", "model_sha": "s"}'


@pytest.fixture(scope="module")
def route() -> Route:
    served = plan(model("m", 0))
    graph = compile_plan(served, [Step(onnx.load(MODEL))])
    return Route(1, 1, "fraud-1", 1, "space", PIPELINE, "fraud", "v-uuid", graph, served, ())


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SegmentWriter]:
    made = SegmentWriter(tmp_path, "w1")
    yield made
    made.close()


def result(*values: float, name: str = "y") -> Result:
    rows = np.array(values, dtype=np.float32).reshape(-1, 1)
    return Result(len(rows), {"x": np.repeat(rows, 3, axis=1)}, {name: rows}, [5], LABEL)


def values(page: Page, name: str = "out.y") -> list[float]:
    column: Any = page.rows.columns.get(name, np.array([]))
    return [float(v) for v in np.asarray(column).reshape(-1)]


def test_rows_come_back_with_types_shapes_and_metadata(tmp_path: Path, route: Route, writer: SegmentWriter) -> None:
    writer.append(route, 1000, result(1.5, 2.5), {"id": ["a", "b"]})
    page = SegmentReader(tmp_path).page(PIPELINE, PageRequest())
    columns: Any = page.rows.columns
    assert page.status is PageStatus.ALL
    assert columns["in.x"].tolist() == [[1.5] * 3, [2.5] * 3]
    assert columns["in.x"].dtype == np.float32
    assert columns["in.id"] == ["a", "b"]
    assert columns["time"].tolist() == [1000, 1000]
    assert columns["metadata.elapsed"] == [[5], [5]]
    assert columns["metadata.partition"] == ["w1-000000"] * 2
    assert columns["metadata.last_model"] == [LABEL] * 2


def test_newest_first_reverses_rows_across_writers(tmp_path: Path, route: Route, writer: SegmentWriter) -> None:
    other = SegmentWriter(tmp_path, "w2")
    writer.append(route, 1, result(1, 2), {})
    other.append(route, 2, result(3), {})
    writer.append(route, 3, result(4), {})
    other.close()
    reader = SegmentReader(tmp_path)
    assert values(reader.page(PIPELINE, PageRequest(newest_first=True))) == [4, 3, 2, 1]
    assert values(reader.page(PIPELINE, PageRequest())) == [1, 2, 3, 4]


def test_a_reader_sees_what_was_appended_after_it_looked(tmp_path: Path, route: Route, writer: SegmentWriter) -> None:
    reader = SegmentReader(tmp_path)
    writer.append(route, 1, result(1), {})
    assert values(reader.page(PIPELINE, PageRequest())) == [1]
    writer.append(route, 2, result(2), {})
    assert values(reader.page(PIPELINE, PageRequest())) == [1, 2]


def segment(folder: Path) -> Path:
    return next(folder.rglob("*.seg"))


def test_a_segment_is_read_the_same_while_open_and_when_sealed(tmp_path: Path, route: Route) -> None:
    writer = SegmentWriter(tmp_path, "w1")
    writer.append(route, 1, result(1), {})
    assert values(SegmentReader(tmp_path).page(PIPELINE, PageRequest())) == [1]
    writer.close()
    assert values(SegmentReader(tmp_path).page(PIPELINE, PageRequest())) == [1]
    assert segment(tmp_path).stat().st_size < 4096


def test_a_torn_frame_is_not_read_and_hides_nothing(tmp_path: Path, route: Route) -> None:
    sizes = []
    for rows in (1, 2):
        writer = SegmentWriter(tmp_path / str(rows), "w1")
        for row in range(rows):
            writer.append(route, row, result(row + 1), {})
        writer.close()
        sizes.append(segment(tmp_path / str(rows)).stat().st_size)
    path = segment(tmp_path / "2")
    whole = path.read_bytes()
    for cut in range(*sizes):
        for tail in (b"", b"\0" * 4096):
            path.write_bytes(whole[:cut] + tail)
            assert values(SegmentReader(tmp_path / "2").page(PIPELINE, PageRequest())) == [1]


def test_a_damaged_last_frame_is_not_read(tmp_path: Path, route: Route) -> None:
    writer = SegmentWriter(tmp_path, "w1")
    writer.append(route, 1, result(1), {})
    writer.append(route, 2, result(2), {})
    writer.close()
    data = bytearray(segment(tmp_path).read_bytes())
    data[-1] ^= 0xFF
    segment(tmp_path).write_bytes(data)
    assert values(SegmentReader(tmp_path).page(PIPELINE, PageRequest())) == [1]


def test_rows_that_outgrow_a_segment_go_on_in_the_next(tmp_path: Path, route: Route, writer: SegmentWriter) -> None:
    large = Result(
        200_000, {"x": np.zeros((200_000, 29), np.float32)}, {"y": np.zeros((200_000, 1), np.float32)}, [1], LABEL
    )
    for time in range(4):
        writer.append(route, time, large, {})
    partitions = SegmentReader(tmp_path).partitions(PIPELINE)
    assert len(list(tmp_path.rglob("*.seg"))) > 1
    assert sum(p.end for p in partitions.values()) == 800_000


def test_a_page_stops_where_the_schema_changes(tmp_path: Path, route: Route, writer: SegmentWriter) -> None:
    writer.append(route, 1, result(1), {})
    writer.append(replace(route, revision=2), 2, result(2, name="z"), {})
    reader = SegmentReader(tmp_path)
    first = reader.page(PIPELINE, PageRequest())
    assert (first.status, values(first)) == (PageStatus.SCHEMA_CHANGE, [1])
    second = reader.page(PIPELINE, PageRequest(cursor=first.next))
    assert (second.status, values(second, "out.z")) == (PageStatus.ALL, [2])


def test_a_page_stops_at_its_byte_limit_but_gives_at_least_one_frame(
    tmp_path: Path, route: Route, writer: SegmentWriter
) -> None:
    for i in range(3):
        writer.append(route, i, result(i), {})
    page = SegmentReader(tmp_path).page(PIPELINE, PageRequest(max_bytes=1))
    assert (page.status, values(page)) == (PageStatus.BYTE_LIMITED, [0])


def test_times_bound_the_rows(tmp_path: Path, route: Route, writer: SegmentWriter) -> None:
    for second in range(4):
        writer.append(route, second * 1000, result(second), {})
    request = PageRequest(start=datetime.fromtimestamp(1, UTC), end=datetime.fromtimestamp(2, UTC))
    assert values(SegmentReader(tmp_path).page(PIPELINE, request)) == [1, 2]


def test_what_cannot_be_written_is_refused_and_the_log_stays_whole(tmp_path: Path, route: Route) -> None:
    folder = tmp_path / "log"
    folder.write_text("a file where the folder belongs")
    with pytest.raises(DomainError) as caught:
        SegmentWriter(folder, "w").append(route, 1, result(1), {})
    assert caught.value.kind is ErrorKind.UNAVAILABLE


@settings(max_examples=40, deadline=None)
@given(
    batches=st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 4)), max_size=12),
    size=st.integers(1, 5),
    newest_first=st.booleans(),
)
def test_paging_gives_every_row_exactly_once(
    tmp_path_factory: pytest.TempPathFactory,
    route: Route,
    batches: list[tuple[str, int]],
    size: int,
    newest_first: bool,
) -> None:
    folder = tmp_path_factory.mktemp("log")
    writers = {name: SegmentWriter(folder, name) for name in "ab"}
    expected = []
    for time, (name, rows) in enumerate(batches):
        numbers = [float(len(expected) + i) for i in range(rows)]
        writers[name].append(route, time, result(*numbers), {})
        expected += numbers
    reader, seen, cursor = SegmentReader(folder), [], Cursor()
    while True:
        page = reader.page(PIPELINE, PageRequest(newest_first=newest_first, size=size, cursor=cursor or None))
        seen += values(page)
        assert page.rows.rows <= size
        if page.status is PageStatus.ALL:
            break
        cursor = page.next
    assert seen == (expected[::-1] if newest_first else expected)
    for writer in writers.values():
        writer.close()


def test_a_log_that_could_not_be_begun_is_begun_when_there_is_room(
    tmp_path: Path, route: Route, writer: SegmentWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        for _ in range(2):
            with pytest.raises(DomainError, match="No space left"):
                writer.append(route, 1, result(1), {})
    writer.append(route, 2, result(2), {})
    assert values(SegmentReader(tmp_path).page(PIPELINE, PageRequest())) == [2]


def test_a_log_that_could_not_grow_goes_on_when_there_is_room(
    tmp_path: Path, route: Route, writer: SegmentWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another schema, too: where its rows do not fit, it must not be announced either.
    large = Result(
        40_000, {"x": np.zeros((40_000, 29), np.float32)}, {"y": np.zeros((40_000, 1), np.float32)}, [1], LABEL
    )

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    writer.append(route, 1, result(1), {})
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        with pytest.raises(DomainError, match="No space left"):
            writer.append(route, 2, large, {})
        writer.append(route, 3, result(3), {})
    writer.append(route, 4, result(4), {})
    assert values(SegmentReader(tmp_path).page(PIPELINE, PageRequest())) == [1, 3, 4]


def test_rows_of_much_text_are_logged_whole(tmp_path: Path, route: Route, writer: SegmentWriter) -> None:
    text = "😀" * 8_000_000
    writer.append(route, 1, result(1), {"note": [text]})
    columns: Any = SegmentReader(tmp_path).page(PIPELINE, PageRequest()).rows.columns
    assert columns["in.note"] == [text]
