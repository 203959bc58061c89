"""Searching logs that were really appended, by the process that searches."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from searching import FRAUD, HOUSES, Logs, result, where

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.monitoring.log_search import Condition, Layout, Operator, Search, Statement, place_in

DAY = datetime(2026, 3, 1, tzinfo=UTC)
START = int(DAY.timestamp() * 1000)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Logs]:
    made = Logs(tmp_path)
    yield made
    made.close()


@pytest.fixture(params=["live", "archived", "both"])
def logs(empty: Logs, request: pytest.FixtureRequest) -> Logs:
    empty.append(FRAUD, START, result(0.1, 0.9, request_id="first"), name=["=1+1", "b"])
    empty.append(HOUSES, START + 500, result(3.0, request_id="house"))
    if request.param == "both":
        empty.archive()
    empty.append(FRAUD, START + 1000, result(0.5, request_id="second"), name=["c"])
    empty.append(FRAUD, START + 2000, result(0.7))
    if request.param == "archived":
        empty.archive()
    return empty


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logs]:
    made = Logs(tmp_path_factory.mktemp("few"))
    made.append(FRAUD, START, result(0.1))
    made.append(HOUSES, START, result(3.0))
    yield made
    made.close()


def outputs(page: dict[str, object]) -> list[float]:
    rows = page["rows"]
    assert isinstance(rows, list)
    return [round(row["out.y"][0], 2) for row in rows]


def test_rows_come_newest_first_with_all_their_columns(logs: Logs) -> None:
    page = logs.page(Search())
    assert outputs(page) == [0.7, 0.5, 0.9, 0.1]
    assert page["rows"][1] == {
        "time": "2026-03-01T00:00:01Z",
        "workspace": "bank",
        "pipeline": "fraud",
        "metadata.request_id": "second",
        "metadata.partition": "w1-000000",
        "metadata.row": 2,
        "in.x": [0.5, 0.5, 0.5],
        "out.y": [0.5],
        "in.name": "c",
        "metadata.target": "",
        "metadata.routing": None,
        "metadata.by_row": None,
        "metadata.first": 2,
        "anomaly.count": 0,
        "metadata.last_model": '{"model_name": "m", "model_sha": "s"}',
        "metadata.pipeline_version": "v-uuid",
        "metadata.elapsed": [5],
    }


def test_pages_follow_one_another_without_a_gap_or_a_repetition(logs: Logs) -> None:
    found, after = [], None
    for _ in range(5):
        page = logs.page(Search(limit=1, newest_first=False, after=after), FRAUD, HOUSES)
        found += outputs(page)
        if page["next_cursor"] is None:
            break
        after = place_in(page["next_cursor"])
    assert found == [0.1, 0.9, 3.0, 0.5, 0.7]


CONDITIONS = [
    ("out.y", ">", 0.6, [0.9, 0.7]),
    ("out.y", "<=", 0.5, [0.1, 0.5]),
    ("in.name", "=", "b", [0.9]),
    ("in.name", "=", None, [0.7]),
    ("in.name", "contains", "C", [0.5]),
    ("in.name", "in", ("b", "c"), [0.9, 0.5]),
    ("metadata.row", "!=", 0, [0.9, 0.5, 0.7]),
    ("time", ">", "2026-03-01T00:00:00Z", [0.5, 0.7]),
]


def test_conditions_choose_rows(logs: Logs) -> None:
    for column, operator, value, expected in CONDITIONS:
        assert outputs(logs.page(where(column, Operator(operator), value))) == expected, (column, operator, value)


def test_times_and_request_ids_narrow_the_scope(logs: Logs) -> None:
    search = Search(newest_first=False)
    assert outputs(logs.page(search, start=datetime.fromtimestamp(START / 1000 + 1, UTC))) == [0.5, 0.7]
    assert outputs(logs.page(search, end=DAY)) == [0.1, 0.9]
    assert outputs(logs.page(search, FRAUD, HOUSES, request_id="second")) == [0.5]
    assert logs.page(search, request_id="nobody's")["rows"] == []


def test_rows_of_a_new_schema_stand_beside_the_old_ones(logs: Logs) -> None:
    logs.append(FRAUD, START + 3000, result(0.2), name=[7])
    rows = logs.page(Search(columns=("in.name",), newest_first=False))["rows"]
    assert [row["in.name"] for row in rows] == ["=1+1", "b", "c", None, "7"]


def test_an_unknown_column_is_named_with_those_that_there_are(logs: Logs) -> None:
    with pytest.raises(DomainError, match=r"no column 'out.z'; there are: .*out\.y"):
        logs.page(Search((Condition("out.z", Operator.EQUAL, 1),)))


def test_a_search_of_an_empty_log_finds_nothing(empty: Logs) -> None:
    assert empty.page(Search(), HOUSES)["rows"] == []


def test_an_export_holds_every_row_in_each_layout(logs: Logs) -> None:
    search = Search(columns=("time", "in.name", "out.y"), newest_first=False, limit=None)
    names = ["=1+1", "b", "c", None]
    parquet = pq.read_table(io.BytesIO(logs.content(search, Layout.PARQUET)))
    assert parquet.column("in.name").to_pylist() == names
    file = pa.ipc.open_file(logs.content(search, Layout.ARROW)).read_all()
    assert file.column("in.name").to_pylist() == names
    stream = pa.ipc.open_stream(logs.content(search, Layout.ARROW_STREAM)).read_all()
    assert stream.equals(file)
    lines = [json.loads(line) for line in logs.content(search, Layout.JSONL).splitlines()]
    assert [line["in.name"] for line in lines] == names
    rows = list(csv.reader(io.StringIO(logs.content(search, Layout.CSV).decode())))
    assert rows[0] == ["time", "in.name", "out.y"]
    assert [row[1] for row in rows[1:]] == ["'=1+1", "b", "c", ""]
    assert rows[2][0] == "2026-03-01T00:00:00Z"
    assert json.loads(rows[2][2]) == pytest.approx([0.9])


def test_statements_join_count_and_group_over_the_views(logs: Logs) -> None:
    counts = logs.sql("select pipeline, count(*) as n from logs group by all order by all", FRAUD, HOUSES)
    assert counts == [{"pipeline": "fraud", "n": 4}, {"pipeline": "houses", "n": 1}]
    assert logs.sql('with high as (from fraud where "out.y"[1] > 0.6) select count(*) as n from high') == [{"n": 2}]
    for sql in ("describe fraud", "show fraud", "show FRAUD"):
        assert [row["column_name"] for row in logs.sql(sql)][:2] == ["time", "workspace"]


def test_a_statement_that_finds_too_many_rows_says_that_it_was_cut(logs: Logs) -> None:
    page = logs.page(Statement("select r.range as n from logs, range(5000) r"))
    assert (len(page["rows"]), page["truncated"]) == (10_000, True)


REFUSED = [
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "from '/etc/passwd'",
    "select * from glob('/**')",
    "copy logs to '/tmp/stolen.csv'",
    "copy (select 1) to 'scratch/x.csv'",
    "export database 'scratch/x'",
    "attach '/tmp/x.db'",
    "install httpfs",
    "load httpfs",
    "pragma database_list",
    "select * from pragma_database_list()",
    "set memory_limit = '4GB'",
    "create table mine (a int)",
    "create view logs as select 1",
    "drop view logs",
    "insert into logs select 1",
    "call duckdb_settings()",
    "select * from duckdb_settings()",
    "select current_setting('temp_directory')",
    "select getenv('HOME')",
    "select __internal_decompress_string('x')",
    "from information_schema.tables",
    "from pg_catalog.pg_class",
    "from duckdb_views",
    "from sqlite_master",
    "from houses",
    "from query('select 1')",
    "from query_table('houses')",
    "show tables",
    "show tables from main",
    "from (show all tables)",
    "show pg_class",
    "show main.logs",
    "describe",
    "select 1; select 2",
    "explain analyze select 1",
    "select (select content from read_blob('/etc/passwd'))",
    "with a as (from read_parquet('7-0.parquet')) from a",
    "not sql at all",
    "",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_a_statement_reads_the_views_and_nothing_else(few: Logs, sql: str) -> None:
    with pytest.raises(DomainError) as refused:
        few.sql(sql)
    assert refused.value.kind is ErrorKind.INVALID
    assert str(few.folder) not in refused.value.message
    assert "unfinished" not in refused.value.message


def test_a_statement_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    logs = Logs(tmp_path, seconds=2)
    logs.append(FRAUD, START, result(*[1.0] * 3000))
    with pytest.raises(DomainError, match="longer than 2 s") as stopped:
        logs.sql("select count(*) from logs a, logs b, logs c, logs d where random() > 2")
    assert stopped.value.kind is ErrorKind.TIMED_OUT
    assert logs.sql("select count(*) as n from logs") == [{"n": 3000}]
    logs.close()


@pytest.mark.parametrize(
    "sql",
    [
        'select list(a."in.x" || b."in.x") as x from logs a, logs b, logs c',
        "select repeat('x', 4000000000) as x",
    ],
)
def test_a_statement_that_takes_too_much_memory_is_stopped(empty: Logs, sql: str) -> None:
    empty.append(FRAUD, START, result(*[1.0] * 1000))
    with pytest.raises(DomainError) as stopped:
        empty.sql(sql)
    assert stopped.value.kind in (ErrorKind.TOO_LARGE, ErrorKind.INVALID)
