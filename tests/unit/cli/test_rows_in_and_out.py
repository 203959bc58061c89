"""Rows are read from JSON and Arrow, and shown or kept in either."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from modelyard.cli.choose import by_version
from modelyard.cli.failures import UsageError
from modelyard.cli.infer import parse_rows
from modelyard.cli.logs import app as logs_app
from modelyard.cli.logs_range import Rows
from modelyard.cli.options import Common
from modelyard.cli.results import flattened, show_records, write_result
from modelyard.cli.screen import Screen
from modelyard.client.arrow import read_arrow, write_arrow
from modelyard.client.errors import UnexpectedAnswerError
from modelyard.client.logs import LogRange, Order

RECORDS = [{"time": 0, "in": {"tensor": [1.0]}, "out": {"y": [0.25]}, "anomaly": {"count": 0}, "metadata": {"m": 1}}]


def test_records_and_a_lone_record_are_rows() -> None:
    assert parse_rows(b'[{"tensor": [1.0]}]') == [{"tensor": [1.0]}]
    assert parse_rows(b'{"tensor": [1.0]}') == [{"tensor": [1.0]}]


def test_an_arrow_file_is_known_by_its_first_bytes() -> None:
    table = pa.table({"tensor": [[1.0, 2.0]]})
    assert parse_rows(write_arrow(table)) == table


@pytest.mark.parametrize("content", [b"", b"ARROW1 but no more", b"{", b"5", b"[1, 2]", b"\xff"])
def test_anything_else_is_wrong_usage(content: bytes) -> None:
    with pytest.raises(UsageError):
        parse_rows(content)


def test_an_answer_that_is_no_arrow_file_is_unexpected() -> None:
    with pytest.raises(UnexpectedAnswerError):
        read_arrow(b'{"not": "arrow"}')


def test_nested_rows_become_dotted_names() -> None:
    assert flattened({"out": {"y": {"z": 1}}, "time": 0}) == {"out.y.z": 1, "time": 0}


def test_a_table_shows_answers_without_the_long_inputs(capsys: pytest.CaptureFixture[str]) -> None:
    show_records(Screen(Common()), RECORDS, whole=False)
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["time", "out.y", "anomaly.count"]
    assert row.split()[2:] == ["0.25", "0"]


def test_many_rows_are_cut_with_a_word_about_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    show_records(Screen(Common()), RECORDS * 60, whole=False)
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 51
    assert "10 more" in captured.err


@pytest.mark.parametrize("result", [RECORDS, pa.Table.from_pylist(RECORDS)])
def test_the_name_of_a_file_decides_how_it_is_kept(tmp_path: Path, result: "pa.Table | list[object]") -> None:
    write_result(tmp_path / "a.json", result)
    write_result(tmp_path / "a.arrow", result)
    assert json.loads((tmp_path / "a.json").read_text()) == RECORDS
    assert read_arrow((tmp_path / "a.arrow").read_bytes()).to_pylist() == RECORDS


@dataclass(frozen=True)
class Version:
    version: str


VERSIONS = [Version("bb2"), Version("ba1"), Version("c00")]


def test_a_version_is_chosen_by_the_start_of_its_id() -> None:
    assert by_version("model m", VERSIONS, "c") == Version("c00")
    assert by_version("model m", VERSIONS, "") == Version("bb2")


@pytest.mark.parametrize("prefix", ["b", "x"])
def test_a_start_that_is_not_one_version_lists_those_there_are(prefix: str) -> None:
    with pytest.raises(UsageError, match="There are: bb2, ba1"):
        by_version("model m", VERSIONS, prefix)


def log_range(line: str) -> LogRange:
    """What `modelyard logs p LINE` asks the client for."""
    _, bound, _ = logs_app.parse_args(f"p {line}")
    rows = bound.arguments.get("rows", Rows())
    assert isinstance(rows, Rows)
    return rows.range()


def test_logs_are_by_default_the_newest_hundred() -> None:
    assert log_range("") == LogRange(100, None, None, Order.NEWEST_FIRST)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604800)])
def test_since_counts_back_from_now(text: str, seconds: int) -> None:
    start = log_range(f"--since {text}").start
    assert start is not None
    assert (datetime.now(UTC) - start).total_seconds() == pytest.approx(seconds, abs=5)


def test_times_without_an_offset_are_local_and_go_out_aware() -> None:
    rows = log_range("--start 2026-05-03T14:00 --end 2026-05-03T15:00:00+02:00 --oldest-first -n 5")
    assert rows.start == datetime(2026, 5, 3, 14).astimezone()
    assert rows.end == datetime(2026, 5, 3, 13, tzinfo=UTC)
    assert (rows.limit, rows.order) == (5, Order.OLDEST_FIRST)
