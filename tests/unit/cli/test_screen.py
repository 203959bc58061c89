"""Data go to standard output in the form that was asked for, talk to standard error."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from modelyard.cli.options import Common, Output
from modelyard.cli.progress import stages, uploading
from modelyard.cli.screen import Columns, Screen

Captured = pytest.CaptureFixture[str]


@dataclass(frozen=True)
class Row:
    name: str
    made: datetime
    parts: tuple[int, ...] = ()


COLUMNS: Columns[Row] = {"NAME": lambda row: row.name, "PARTS": lambda row: row.parts}
ROWS = [Row("a", datetime(2026, 1, 1, tzinfo=UTC), (1, 2)), Row("[b]" * 60, datetime(2026, 1, 2, tzinfo=UTC))]


def screen(output: Output = Output.TABLE, *, quiet: bool = False) -> Screen:
    return Screen(Common(output=output, quiet=quiet))


def test_a_piped_table_has_one_line_for_each_row_however_long(capsys: Captured) -> None:
    screen().rows(ROWS, COLUMNS)
    header, first, second = capsys.readouterr().out.splitlines()
    assert header.split() == ["NAME", "PARTS"]
    assert first.split() == ["a", "1,", "2"]
    assert second.startswith("[b]" * 60)


def test_json_holds_every_field_on_one_line(capsys: Captured) -> None:
    screen(Output.JSON).rows(ROWS, COLUMNS)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out)[0] == {"name": "a", "made": "2026-01-01T00:00:00+00:00", "parts": [1, 2]}


def test_an_empty_list_is_said_not_printed(capsys: Captured) -> None:
    screen().rows([], COLUMNS)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "There are none.\n")


def test_an_empty_list_in_json_is_an_empty_array(capsys: Captured) -> None:
    screen(Output.JSON).rows([], COLUMNS)
    assert capsys.readouterr().out == "[]\n"


def test_one_thing_is_a_line_for_each_field(capsys: Captured) -> None:
    screen().one(ROWS[0], COLUMNS)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [["NAME", "a"], ["PARTS", "1,", "2"]]


def test_quiet_leaves_the_data(capsys: Captured) -> None:
    quiet = screen(quiet=True)
    quiet.say("talk")
    quiet.rows(ROWS, COLUMNS)
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (True, "yes"), (0.123456789, "0.123457"), ([0.5, 2], "0.5, 2"), ((), "-")]
)
def test_cells_are_written_for_people(value: object, text: str, capsys: Captured) -> None:
    show: Callable[[object], object] = lambda row: row  # noqa: E731
    screen().one(value, {"value": show})
    assert capsys.readouterr().out.removeprefix("value").strip() == text


def test_an_upload_that_nobody_watches_writes_a_line_for_each_quarter(capsys: Captured) -> None:
    with uploading(screen(), "m.onnx", 1000) as sent:
        for done in range(0, 1001, 50):
            sent(done)
    parts = [line.split()[2] for line in capsys.readouterr().err.splitlines()]
    assert parts == ["25", "50", "75", "100"]


def test_a_wait_that_nobody_watches_writes_a_line_for_each_change(capsys: Captured) -> None:
    with stages(screen(), "Deploying p") as show:
        for stage in ("Starting", "Starting", "Running"):
            show(stage)
    assert capsys.readouterr().err == "Deploying p: Starting\nDeploying p: Running\n"
