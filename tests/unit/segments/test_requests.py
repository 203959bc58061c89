"""The inference log request by request: what is noted of each one, and finding it again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.core.monitoring.inference_log import Cursor, PageRequest, RequestPage, RequestQuery, Stream
from modelyard.core.serving.graph.compiling import compile_plan
from modelyard.core.serving.graph.nodes import Step
from modelyard.core.serving.graph.plan import model, plan
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.routes import Route
from modelyard.engines import onnx
from modelyard.segments.index import Index, extend
from modelyard.segments.reader import SegmentReader
from modelyard.segments.writer import SegmentWriter

MODEL = Path(__file__).parents[3] / "examples" / "models" / "ccfraud.onnx"
PIPELINE = 7
OLD = (
    b"MYSEG1\r\n"
    b'\xbc\x00\x00\x00\x90./\xca\x00{"columns": [["in.x", "<f4", [1]], ["out.y", "<f4", [1]]], "steps": 1, '
    b'"constants": {"metadata.last_model": "label", "metadata.pipeline_version": "v", "metadata.partition": '
    b'"old-000000"}}'
    b"\x1d\x00\x00\x00Y\xf7\xd8\x96\x01\x01\x00\x00\x00\xe8\x03\x00\x00\x00\x00\x00\x00"
    b"\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc0?\x00\x00@@"
)
"""A segment of a version that noted nothing: a schema, and one row of it."""


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


def result(*values: float, answered_by: str = "a", **noted: Any) -> Result:
    rows = np.array(values, dtype=np.float32).reshape(-1, 1)
    return Result(len(rows), {"x": rows}, {"y": rows * 2}, [5], answered_by, **noted)


def firsts(page: RequestPage) -> list[float]:
    return [float(np.asarray(request.columns["in.x"])[0, 0]) for request in page.requests]


def test_a_request_comes_back_with_its_id_target_routing_and_rows(
    tmp_path: Path, route: Route, writer: SegmentWriter
) -> None:
    writer.append(route, 1500, result(1, 2, request_id="r-1", target="main", routing={"split": [0, 1], "all": -1}), {})
    [found] = SegmentReader(tmp_path).requests(PIPELINE, RequestQuery()).requests
    columns: Any = found.columns
    assert (found.request_id, found.target, found.routing) == ("r-1", "main", {"split": [0, 1], "all": -1})
    assert found.time == datetime.fromtimestamp(1.5, UTC)
    assert (found.partition, found.first, found.rows) == ("w1-000000", 0, 2)
    assert columns["in.x"].tolist() == [[1], [2]]
    assert columns["out.y"].tolist() == [[2], [4]]


def test_a_request_without_an_id_is_called_by_its_place(tmp_path: Path, route: Route, writer: SegmentWriter) -> None:
    writer.append(route, 1, result(1, 2), {})
    writer.append(route, 2, result(3), {})
    reader = SegmentReader(tmp_path)
    assert [r.request_id for r in reader.requests(PIPELINE, RequestQuery()).requests] == ["w1-000000:0", "w1-000000:2"]
    assert firsts(reader.requests(PIPELINE, RequestQuery(request_id="w1-000000:2"))) == [3]


def test_requests_are_found_by_id_by_target_and_by_time(tmp_path: Path, route: Route, writer: SegmentWriter) -> None:
    for number in range(6):
        target = "ab"[number % 2]
        writer.append(route, number * 1000, result(number, request_id=f"r-{number}", target=target), {})
    reader = SegmentReader(tmp_path)
    second, fourth = (datetime.fromtimestamp(at, UTC) for at in (2, 4))
    assert firsts(reader.requests(PIPELINE, RequestQuery(request_id="r-4"))) == [4]
    assert firsts(reader.requests(PIPELINE, RequestQuery(target="b"))) == [1, 3, 5]
    assert firsts(reader.requests(PIPELINE, RequestQuery(target="b", newest_first=True))) == [5, 3, 1]
    assert firsts(reader.requests(PIPELINE, RequestQuery(start=second, end=fourth))) == [2, 3, 4]
    assert firsts(reader.requests(PIPELINE, RequestQuery(target="a", start=second, end=fourth))) == [2, 4]
    assert reader.requests(PIPELINE, RequestQuery(request_id="never")).requests == []


def test_tallies_count_what_a_query_is_about(tmp_path: Path, route: Route, writer: SegmentWriter) -> None:
    for number in range(5):
        writer.append(route, number * 1000, result(*range(number + 1), target="ab"[number % 2]), {})
    reader = SegmentReader(tmp_path)
    tallies = reader.tallies(PIPELINE, RequestQuery(limit=1))
    assert [(t.target, t.requests, t.rows) for t in tallies] == [("a", 3, 9), ("b", 2, 6)]
    assert [(t.first.timestamp(), t.last.timestamp()) for t in tallies] == [(0, 4), (1, 3)]
    assert [t.requests for t in reader.tallies(PIPELINE, RequestQuery(target="b"))] == [2]
    assert reader.tallies(PIPELINE, RequestQuery(), Stream.SHADOW) == []


def test_answers_of_alternating_models_need_one_schema(tmp_path: Path, route: Route) -> None:
    writer = SegmentWriter(tmp_path, "w1")
    for answered_by in "aabab":
        writer.append(route, 1, result(1, answered_by=answered_by), {})
    writer.close()
    path, index = next(tmp_path.rglob("*.seg")), Index()
    extend(path, index)
    assert path.read_bytes().count(b'{"columns"') == 1
    lengths = [frame.length for frame in index.frames]
    assert lengths[0] == lengths[1] == lengths[3] < lengths[2] == lengths[4]
    columns = SegmentReader(tmp_path).page(PIPELINE, PageRequest()).rows.columns
    assert columns["metadata.last_model"] == list("aabab")


def test_alternating_models_whose_rows_hold_text_need_one_schema_too(tmp_path: Path, route: Route) -> None:
    writer = SegmentWriter(tmp_path, "w1")
    for answered_by in "abab":
        writer.append(route, 1, result(1, answered_by=answered_by), {"note": ["text"]})
    writer.close()
    assert next(tmp_path.rglob("*.seg")).read_bytes().count(b'{"columns"') == 1
    columns = SegmentReader(tmp_path).page(PIPELINE, PageRequest()).rows.columns
    assert columns["metadata.last_model"] == list("abab")


def test_models_that_alternate_keep_their_own_columns(tmp_path: Path, route: Route, writer: SegmentWriter) -> None:
    for number in range(6):
        made, other = result(number, answered_by="a"), result(number, answered_by="b")
        other.outputs = {"z": other.outputs["y"].astype(np.int32)}
        other.elapsed = [5, 6]
        writer.append(route, number, made, {})
        writer.append(route, number, other, {})
    page = SegmentReader(tmp_path).requests(PIPELINE, RequestQuery())
    assert [sorted(r.columns) for r in page.requests] == [["in.x", "out.y"], ["in.x", "out.z"]] * 6
    assert [float(np.asarray(r.columns["out.z"])[0, 0]) for r in page.requests[1::2]] == [0, 2, 4, 6, 8, 10]


def test_a_new_revision_says_in_its_schema_who_answers(tmp_path: Path, route: Route) -> None:
    writer = SegmentWriter(tmp_path, "w1")
    writer.append(route, 1, result(1, answered_by="old"), {})
    writer.append(replace(route, revision=2), 2, result(2, answered_by="new"), {})
    writer.close()
    assert next(tmp_path.rglob("*.seg")).read_bytes().count(b'{"columns"') == 2


def test_notes_become_columns_where_they_are_wanted(tmp_path: Path, route: Route, writer: SegmentWriter) -> None:
    writer.append(route, 1, result(1, 2, request_id="r", target="main", routing={"split": [0, 1], "other": 2}), {})
    writer.append(route, 2, result(3), {})
    reader = SegmentReader(tmp_path)
    columns = reader.page(PIPELINE, PageRequest(noted=True)).rows.columns
    assert columns["metadata.request_id"] == ["r", "r", "w1-000000:2"]
    assert columns["metadata.target"] == ["main", "main", ""]
    assert columns["metadata.routing"] == ['{"split": 0, "other": 2}', '{"split": 1, "other": 2}', None]
    backwards = reader.page(PIPELINE, PageRequest(newest_first=True, noted=True)).rows.columns
    assert backwards["metadata.routing"] == [None, '{"split": 1, "other": 2}', '{"split": 0, "other": 2}']
    assert not any("request_id" in name for name in reader.page(PIPELINE, PageRequest()).rows.columns)


def test_requests_of_different_shapes_come_together(tmp_path: Path, route: Route, writer: SegmentWriter) -> None:
    writer.append(route, 1, result(1), {})
    writer.append(route, 2, result(2), {"note": ["text"]})
    page = SegmentReader(tmp_path).requests(PIPELINE, RequestQuery())
    assert [sorted(r.columns) for r in page.requests] == [["in.x", "out.y"], ["in.note", "in.x", "out.y"]]


def test_a_torn_noted_frame_is_not_read_and_hides_nothing(tmp_path: Path, route: Route) -> None:
    sizes = []
    for rows in (1, 2):
        writer = SegmentWriter(tmp_path / str(rows), "w1")
        for row in range(rows):
            writer.append(route, row, result(row + 1, request_id=f"r-{row}", target="main", routing={"s": 1}), {})
        writer.close()
        sizes.append(next((tmp_path / str(rows)).rglob("*.seg")).stat().st_size)
    path = next((tmp_path / "2").rglob("*.seg"))
    whole = path.read_bytes()
    for cut in range(*sizes):
        for tail in (b"", b"\0" * 4096):
            path.write_bytes(whole[:cut] + tail)
            page = SegmentReader(tmp_path / "2").requests(PIPELINE, RequestQuery())
            assert [r.request_id for r in page.requests] == ["r-0"]


def test_a_segment_written_before_there_were_notes_is_read(tmp_path: Path) -> None:
    folder = tmp_path / str(PIPELINE)
    folder.mkdir()
    (folder / "old-000000.seg").write_bytes(OLD)
    [found] = SegmentReader(tmp_path).requests(PIPELINE, RequestQuery()).requests
    columns: Any = found.columns
    assert (found.request_id, found.target, found.routing) == ("old-000000:0", "", None)
    assert columns["in.x"].tolist() == [[1.5]]
    page = SegmentReader(tmp_path).page(PIPELINE, PageRequest())
    assert page.rows.columns["metadata.last_model"] == ["label"]


@settings(max_examples=30, deadline=None)
@given(
    batches=st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3)), max_size=10),
    limit=st.integers(1, 4),
    newest_first=st.booleans(),
)
def test_paging_gives_every_request_exactly_once(
    tmp_path_factory: pytest.TempPathFactory,
    route: Route,
    batches: list[tuple[str, int]],
    limit: int,
    newest_first: bool,
) -> None:
    folder = tmp_path_factory.mktemp("log")
    writers = {name: SegmentWriter(folder, name) for name in "ab"}
    for time, (name, rows) in enumerate(batches):
        writers[name].append(route, time, result(*[time] * rows), {})
    reader, cursor, more = SegmentReader(folder), Cursor(), True
    seen: list[float] = []
    while more:
        page = reader.requests(PIPELINE, RequestQuery(newest_first, limit, cursor=cursor or None))
        seen += firsts(page)
        assert len(page.requests) <= limit
        more, cursor = page.more, page.next
    expected = [float(time) for time in range(len(batches))]
    assert seen == (expected[::-1] if newest_first else expected)
    for writer in writers.values():
        writer.close()
